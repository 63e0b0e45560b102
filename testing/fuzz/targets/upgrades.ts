import fc from 'fast-check'
import { clientPackets } from '../../../cells/wire/packets.ts'
import { roomPackets } from '../../../cells/wire/room-packets.ts'
import { chainOf, createWallet } from '../../player/wallet.ts'
import { edited, hostileBytes, hostileText, type TextEdit, textEdits } from '../generators.ts'
import { faultOf, sendRaw } from '../raw-connection.ts'
import type { FuzzedServices } from '../services.ts'
import { fuzzTarget, sharedTarget } from '../target.ts'

type SocketServer = 'connector' | 'rooms'

const KEY = 'AAAAAAAAAAAAAAAAAAAAAA=='
const PATHS = [
  '/ws', '/rooms/island-1', '/rooms/I%201', '/cells/0/rooms/a', '/rooms/a#/%zz', '/rooms/%zz', '//rooms//a', '/rooms/', '/ws/', '/ws?x=/y',
  '/rooms/..%2f..', '/', '*', '/health/live', '/publications/main',
] // biome-ignore format: a table
const HEADERS = [
  'Sec-WebSocket-Key', 'Sec-WebSocket-Version', 'Sec-WebSocket-Protocol', 'Sec-WebSocket-Extensions', 'Connection', 'Upgrade', 'Origin',
  'X-Forwarded-For', 'X-Forwarded-Proto', 'Cf-Connecting-Ip', 'Host', 'Content-Length', 'Transfer-Encoding', 'Expect',
] // biome-ignore format: a table
const VALUES = [
  'archipelago', 'rfc5', 'rfc5, rfc4', 'a, a', ',', 'x'.repeat(2_000), 'permessage-deflate', 'permessage-deflate; client_max_window_bits=99',
  'permessage-deflate; server_max_window_bits', 'x;y="', '13', '8', '99', KEY, 'AAAA', '203.0.113.1', '::ffff:10.0.0.1', '10.0.0.1, 10.0.0.2',
  'Upgrade', 'keep-alive, Upgrade', 'h2c', 'WebSocket', 'chunked', '3', '100-continue',
] // biome-ignore format: a table

const pathOf = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...PATHS) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...PATHS), textEdits(4)).map(([path, edits]) => edited(path, edits)) },
)
const header = fc.tuple(fc.constantFrom(...HEADERS), fc.oneof(fc.constantFrom(...VALUES), hostileText))

const requestOf = (path: string, headers: readonly (readonly [string, string])[]): string => {
  const names = new Set(headers.map(([name]) => name))
  const usual: [string, string][] = [
    ['Host', 'x'],
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Key', KEY],
  ]
  const lines = [...usual.filter(([name]) => !names.has(name)), ...headers].map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

interface Upgrade {
  server: SocketServer
  text: string
  edits: readonly TextEdit[]
}

const server = fc.constantFrom<SocketServer>('connector', 'rooms')

/** Requests that ask for a WebSocket in every wrong way, and what follows at once. */
export const upgrades = fuzzTarget<Upgrade>({
  name: 'upgrades',
  inputs: fc.record({
    server,
    text: fc
      .tuple(pathOf, fc.array(header, { maxLength: 5 }), hostileText)
      .map(([path, headers, rest]) => requestOf(path, headers) + rest),
    edits: fc.oneof(fc.constant([]), textEdits(3)),
  }),
  inputsInSuite: 1_000,
  start: async (services) =>
    sharedTarget(services, async ({ server: to, text, edits }) => {
      const fault = faultOf(await sendRaw(services.urls[to], edited(text, edits)))
      if (fault) throw new Error(fault)
    }),
})

interface Frame {
  fin: boolean
  /** The three reserved bits. */
  reserved: number
  opcode: number
  isMasked: boolean
  /** The length the header announces: the true one, or another. */
  announced: 'true' | number
  payload: Uint8Array
}

/** The bytes of a WebSocket frame (RFC 6455 §5.2), which need not be a valid one. */
function encodeFrame({ fin, reserved, opcode, isMasked, announced, payload }: Frame): Buffer {
  const length = announced === 'true' ? payload.length : announced
  const head = [(fin ? 0x80 : 0) | (reserved << 4) | opcode]
  const mask = isMasked ? 0x80 : 0
  if (length < 126) head.push(mask | length)
  else if (length < 65_536) head.push(mask | 126, length >> 8, length & 0xff)
  else {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64BE(BigInt(length))
    head.push(mask | 127, ...bytes)
  }
  return Buffer.concat([Buffer.from(head), isMasked ? Buffer.alloc(4) : Buffer.alloc(0), payload])
}

const stranger = createWallet('fuzz')
const chain = JSON.stringify(chainOf('three', stranger, 'dcl-another-challenge'))
const payloads: Record<SocketServer, readonly Uint8Array[]> = {
  connector: [
    clientPackets.challengeRequest(stranger.address),
    clientPackets.signedChallenge(chain),
    clientPackets.heartbeat({ position: { x: 1, y: 2, z: 3 } }),
  ],
  rooms: [
    roomPackets.identification(stranger.address),
    roomPackets.signedChallenge(chain),
    roomPackets.update(7, Buffer.from('x'), true),
  ],
}

const frame: fc.Arbitrary<Frame> = fc.record({
  fin: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.constant(false)),
  reserved: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.nat(7)),
  opcode: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(2, 0, 1, 8, 9, 10) }, fc.nat(15)),
  isMasked: fc.oneof({ weight: 6, arbitrary: fc.constant(true) }, fc.constant(false)),
  announced: fc.oneof(
    { weight: 5, arbitrary: fc.constant('true' as const) },
    fc.constantFrom(0, 1, 125, 126, 65_535, 65_536, 2 ** 31, 2 ** 53 - 1),
  ),
  payload: hostileBytes([...payloads.connector, ...payloads.rooms]),
})

interface Frames {
  server: SocketServer
  frames: readonly Frame[]
}

/** WebSocket frames, valid or not, with packets in them, behind a valid upgrade. */
export const frames = fuzzTarget<Frames>({
  name: 'frames',
  inputs: fc.record({ server, frames: fc.array(frame, { minLength: 1, maxLength: 10 }) }),
  inputsInSuite: 500,
  start: async (services: FuzzedServices) => {
    await services.admit(stranger, 'island-1')
    return sharedTarget(services, async ({ server: to, frames: sent }) => {
      const path = to === 'connector' ? '/ws' : '/rooms/island-1'
      const bytes = Buffer.concat(sent.map(encodeFrame)).toString('latin1')
      const fault = faultOf(await sendRaw(services.urls[to], requestOf(path, [['Sec-WebSocket-Protocol', 'rfc5']]) + bytes))
      if (fault) throw new Error(fault)
    })
  },
})
