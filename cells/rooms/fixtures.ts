import WebSocket from 'ws'
import { chainOf, type Wallet } from '../../testing/player/wallet.ts'
import { createMemoryBus } from '../bus/memory.ts'
import { TrustedProxies } from '../chassis/client-address.ts'
import { ManualClock } from '../chassis/clock.ts'
import { listen } from '../chassis/listen.ts'
import { silentLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import type { RefusedWallets } from '../identity/refused-wallet-variables.ts'
import { type ChainVerifier, createVerifier } from '../identity/verifier.ts'
import { type Admission, encodeAdmission } from '../wire/admission.ts'
import type { PeerId } from '../wire/peer.ts'
import { decodeRoomPacket, roomPackets } from '../wire/room-packets.ts'
import { subjects } from '../wire/subjects.ts'
import type { RoomLimits } from './limits.ts'
import { startRooms } from './service.ts'

type RoomPacket = NonNullable<ReturnType<typeof decodeRoomPacket>>
type Case = RoomPacket['$case']

/** Longer than any test advances its clock while a signature is checked in real time. */
const HOUR_MS = 3_600_000

/** Embedded rooms behind a real port; the test has their bus and their clock. */
export async function startTestRooms({
  limits = {},
  drainSeconds = 0,
  verifier = createVerifier({ log: silentLog, workers: 1 }),
  proxies = new TrustedProxies(),
  refused,
}: {
  limits?: Partial<RoomLimits>
  drainSeconds?: number
  /** Closed with the rooms. */
  verifier?: ChainVerifier
  proxies?: TrustedProxies
  refused?: RefusedWallets
} = {}) {
  const [bus, clock, metrics] = [createMemoryBus(silentLog), new ManualClock(), new Metrics('rooms')]
  const rooms = await startRooms(
    {
      ...{ scope: 'city.0', drainSeconds, proxies, limits: { handshakeMs: HOUR_MS, ...limits } },
      ...(refused && { refused }),
    },
    { bus, log: silentLog, clock, verifier, metrics },
  )
  const http = await listen(rooms.app, { host: '127.0.0.1', port: 0 })
  return {
    rooms,
    bus,
    clock,
    url: http.url,
    async admit(peer: PeerId, room: string, kind: Admission['kind'] = 'island', term?: string) {
      bus.publish(subjects('city.0').admission(peer), encodeAdmission({ room, kind, ...(term !== undefined && { term }) }))
      await bus.flush()
    },
    publish: async (subject: string, payload: Uint8Array) => {
      bus.publish(subject, payload)
      await bus.flush()
    },
    metric: async (name: string) => (await metrics.registry.metrics()).split('\n').filter((line) => line.includes(`_${name}`)),
    async close() {
      const stopped = rooms.stop()
      for (let i = 0; i < 100; i++) {
        clock.advance(100)
        await new Promise((resolve) => setImmediate(resolve))
      }
      await stopped
      await Promise.all([http.stop(), verifier.close()])
    },
  }
}

/** A client's socket to a room, below the handshake. */
export async function connect(url: string, path: string, protocols = ['rfc5', 'rfc4'], options: WebSocket.ClientOptions = {}) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, protocols, options)
  const packets: RoomPacket[] = []
  const readers: (() => void)[] = []
  let pings = 0
  socket.on('ping', () => pings++)
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  )
  socket.on('message', (data: Buffer) => {
    const packet = decodeRoomPacket(data)
    if (!packet) throw new Error('an empty packet: Bevy would drop the connection')
    packets.push(packet)
    for (const wake of readers.splice(0)) wake()
  })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return {
    socket,
    protocol: socket.protocol,
    closed,
    pings: () => pings,
    send: (packet: Uint8Array) => socket.send(packet),
    /** Resolves once the server has read everything sent so far. */
    received: () =>
      new Promise<void>((resolve) => {
        socket.once('pong', () => resolve())
        socket.ping()
      }),
    /** The next packet, which must be of the given kind. */
    async next<Kind extends Case>(kind: Kind): Promise<Extract<RoomPacket, { $case: Kind }>> {
      while (packets.length === 0) await new Promise<void>((wake) => readers.push(wake))
      const packet = packets.shift()
      if (packet?.$case !== kind) throw new Error(`expected ${kind}, got ${packet?.$case}`)
      return packet as Extract<RoomPacket, { $case: Kind }>
    },
    /** The packets that arrived and were not read by `next` yet. */
    unread: () => packets.map(({ $case }) => $case),
    /** The updates among them. */
    bodies: () =>
      packets.flatMap((packet) => ('peerUpdateMessage' in packet ? [Buffer.from(packet.peerUpdateMessage.body)] : [])),
  }
}

/** A client that signed the challenge. */
export async function signIn(url: string, room: string, wallet: Wallet, options?: WebSocket.ClientOptions) {
  const client = await connect(url, `/rooms/${room}`, undefined, options)
  client.send(roomPackets.identification(wallet.address))
  const { challengeMessage } = await client.next('challengeMessage')
  client.send(roomPackets.signedChallenge(JSON.stringify(chainOf('three', wallet, challengeMessage.challengeToSign))))
  return { ...client, ...challengeMessage }
}

/** A client that was welcomed to a room. */
export async function joinRoom(url: string, room: string, wallet: Wallet, options?: WebSocket.ClientOptions) {
  const client = await signIn(url, room, wallet, options)
  const { welcomeMessage } = await client.next('welcomeMessage')
  return { ...client, ...welcomeMessage }
}

/** Rooms with Ada and Bob in island-1; Bob was announced to Ada. */
export async function twoInARoom(ada: Wallet, bob: Wallet, options?: Parameters<typeof startTestRooms>[0]) {
  const server = await startTestRooms(options)
  await server.admit(ada.peer, 'island-1')
  await server.admit(bob.peer, 'island-1')
  const first = await joinRoom(server.url, 'island-1', ada)
  const second = await joinRoom(server.url, 'island-1', bob)
  const { peerJoinMessage } = await first.next('peerJoinMessage')
  return { server, first, second, peerJoinMessage }
}
