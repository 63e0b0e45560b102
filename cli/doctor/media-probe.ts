import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { systemClock } from '../../cells/chassis/clock.ts'

/** A port to which players send media. */
export interface MediaPort {
  protocol: 'UDP' | 'TCP'
  address: string
  port: number
}

/**
 * What a port of media said: `silent` nothing at all, `refused` that no process listens there, `noRoute` that this machine cannot send
 * there, as to an IPv6 address without IPv6. LiveKit answers over UDP only who has entered a room, so that an open port is silent too.
 */
export type MediaAnswer = 'answered' | 'refused' | 'silent' | 'noRoute'

/** Throws nothing, and takes no longer than its time limit. */
export type MediaProbe = (port: MediaPort) => Promise<MediaAnswer>

const TIMEOUT_MS = 3_000
/** A STUN binding request (RFC 8489): its type, no attributes, the magic cookie; the transaction follows. */
const BINDING_REQUEST = Buffer.from('000100002112a442', 'hex')
const TRANSACTION_BYTES = 12

/** Connects over TCP, and sends a STUN binding request over UDP, as a player's WebRTC does first. */
export const mediaProbe: MediaProbe = (port) =>
  new Promise((resolve) => {
    const opened = port.protocol === 'TCP' ? overTcp(port, settle) : overUdp(port, settle)
    const cancel = systemClock.after(TIMEOUT_MS, () => settle('silent'))
    function settle(answer: MediaAnswer): void {
      cancel()
      opened.close()
      resolve(answer)
    }
  })

function overTcp({ address, port }: MediaPort, settle: (answer: MediaAnswer) => void): { close(): void } {
  const socket = connect({ host: address, port })
  socket.once('connect', () => settle('answered')).on('error', (error) => settle(answerOf(error)))
  return { close: () => socket.destroy() }
}

function overUdp({ address, port }: MediaPort, settle: (answer: MediaAnswer) => void): { close(): void } {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  socket.once('message', () => settle('answered')).on('error', (error) => settle(answerOf(error)))
  // Only a connected socket is told of a refusal.
  socket.connect(port, address, (error?: Error) => {
    if (error) settle(answerOf(error))
    else socket.send(Buffer.concat([BINDING_REQUEST, randomBytes(TRANSACTION_BYTES)]))
  })
  let isClosed = false
  return {
    close: () => {
      if (!isClosed) socket.close()
      isClosed = true
    },
  }
}

const answerOf = ({ code }: NodeJS.ErrnoException): MediaAnswer =>
  code === 'ECONNREFUSED' || code === 'ECONNRESET'
    ? 'refused'
    : code === 'ENETUNREACH' || code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT'
      ? 'noRoute'
      : 'silent'
