import { SignalRequest, SignalResponse, type TrickleRequest } from '@livekit/protocol'
import { expect, test } from 'vitest'
import { clientSignal, localCandidate, localSignal } from './media-candidates.ts'

const TCP = 'candidate:7 1 tcp 1671430143 10.200.1.9 7881 typ host tcptype passive ufrag abc'
const UDP = 'candidate:3 1 udp 2130706431 10.200.1.9 7882 typ host'
const ACTIVE = 'candidate:1 1 TCP 2105458943 192.0.2.4 9 typ host tcptype active generation 0'

test('the TCP port of a pod is a port of this machine, and other addresses are left out', () => {
  expect(localCandidate(TCP, 4_000)).toBe('candidate:7 1 tcp 1671430143 127.0.0.1 4000 typ host tcptype passive ufrag abc')
  expect(localCandidate(UDP, 4_000)).toBeUndefined()
  expect(localCandidate('candidate:1 1 udp 1 203.0.113.1 3 typ srflx raddr 0.0.0.0 rport 0', 4_000)).toBeUndefined()
  expect(localCandidate('nonsense', 4_000)).toBeUndefined()
})

const trickle = (candidateInit: string) => ({ case: 'trickle' as const, value: { candidateInit } as TrickleRequest })
const candidateIn = (bytes: Uint8Array | undefined, type: typeof SignalRequest | typeof SignalResponse = SignalResponse) => {
  const { message } = type.fromBinary(bytes ?? new Uint8Array())
  return message.case === 'trickle' ? JSON.parse(message.value.candidateInit) : undefined
}

test('descriptions and candidates of a LiveKit are changed, and nothing else of its messages', () => {
  const sdp = ['v=0', 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', `a=${UDP}`, `a=${TCP}`, 'a=end-of-candidates', ''].join(
    '\r\n',
  )
  const offer = new SignalResponse({ message: { case: 'offer', value: { type: 'offer', sdp, id: 5 } } })
  const { message } = SignalResponse.fromBinary(localSignal(offer.toBinary(), 4_000) ?? new Uint8Array())
  expect(message).toMatchObject({ case: 'offer', value: { type: 'offer', id: 5 } })
  expect(message.case === 'offer' && message.value.sdp.split('\r\n')).toEqual([
    'v=0',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'a=candidate:7 1 tcp 1671430143 127.0.0.1 4000 typ host tcptype passive ufrag abc',
    'a=end-of-candidates',
    '',
  ])
  const of = (candidate: string) =>
    localSignal(new SignalResponse({ message: trickle(JSON.stringify({ candidate, sdpMid: '0' })) }).toBinary(), 4_000)
  expect(candidateIn(of(TCP))).toMatchObject({ candidate: expect.stringContaining(' 127.0.0.1 4000 typ host'), sdpMid: '0' })
  expect(candidateIn(of(''))).toEqual({ candidate: '', sdpMid: '0' })
  expect(of(UDP)).toBeUndefined()
})

test('a client names its addresses for TCP only', () => {
  const of = (candidate: string) =>
    clientSignal(new SignalRequest({ message: trickle(JSON.stringify({ candidate })) }).toBinary())
  expect(candidateIn(of(ACTIVE), SignalRequest)).toEqual({ candidate: ACTIVE })
  expect(of(UDP)).toBeUndefined()
})

test('what is no such message is passed on as it is', () => {
  const leave = new SignalResponse({ message: { case: 'leave', value: { canReconnect: true } } }).toBinary()
  for (const bytes of [leave, new Uint8Array(), Buffer.from('ffffffffff', 'hex'), Buffer.from('{"json":true}')])
    expect(localSignal(bytes, 4_000)).toBe(bytes)
  const broken = new SignalResponse({ message: trickle('{') }).toBinary()
  expect(localSignal(broken, 4_000)).toEqual(broken)
})
