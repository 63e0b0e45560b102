import fc from 'fast-check'
import WebSocket from 'ws'
import { signIn as signInToRoom } from '../../../cells/rooms/fixtures.ts'
import { clientPackets } from '../../../cells/wire/packets.ts'
import { roomPackets } from '../../../cells/wire/room-packets.ts'
import { connectPlayer } from '../../player/player.ts'
import { chainOf, createWallet } from '../../player/wallet.ts'
import { hostileBytes } from '../generators.ts'
import type { FuzzedServices } from '../services.ts'
import { fuzzTarget, sharedTarget } from '../target.ts'

interface Packets {
  server: 'connector' | 'rooms'
  /** Whether the client has signed in before it sends them. */
  isPlayer: boolean
  packets: readonly Uint8Array[]
}

const wallet = createWallet('fuzz')
const ROOM = 'island-1'
const position = { x: Number.NaN, y: Number.POSITIVE_INFINITY, z: -3e38 }
const valid = [
  clientPackets.challengeRequest(wallet.address),
  clientPackets.signedChallenge(JSON.stringify(chainOf('three', wallet, 'dcl-another-challenge'))),
  clientPackets.heartbeat({ position: { x: 1, y: 2, z: 3 }, desiredRoom: 'room' }),
  clientPackets.heartbeat({ position, desiredRoom: '\u0000'.repeat(500) }),
  roomPackets.identification(wallet.address),
  roomPackets.signedChallenge(JSON.stringify(chainOf('three', wallet, 'dcl-another-challenge'))),
  roomPackets.update(7, Buffer.from('hello'), false),
  roomPackets.update(0xffffffff, new Uint8Array(3_000), true),
  roomPackets.welcome(1, { 2: wallet.address }),
]

async function connect(
  services: FuzzedServices,
  { server, isPlayer }: Packets,
): Promise<{ send(bytes: Uint8Array): void; close(): Promise<unknown> }> {
  if (isPlayer) {
    services.expectWelcome()
    if (server === 'connector') {
      const player = await connectPlayer({ url: services.sockets.connector, wallet })
      return {
        send: player.send,
        close: () => {
          player.close()
          return player.closed
        },
      }
    }
    await services.admit(wallet, ROOM)
    const { socket, closed, next } = await signInToRoom(services.urls.rooms, ROOM, wallet)
    await next('welcomeMessage')
    socket.on('error', () => {})
    return {
      send: (bytes) => socket.send(bytes),
      close: () => {
        socket.close()
        return closed
      },
    }
  }
  const url = server === 'connector' ? services.sockets.connector : `${services.sockets.rooms}/${ROOM}`
  const socket = new WebSocket(url, server === 'connector' ? 'archipelago' : ['rfc5', 'rfc4'], { perMessageDeflate: false })
  const closed = new Promise((resolve) => socket.on('close', resolve))
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  socket.on('error', () => {})
  return {
    send: (bytes) => socket.send(bytes),
    close: () => {
      socket.close()
      return closed
    },
  }
}

/** Packets of the public protocols, valid or not, in any order, of strangers and of players. */
export const packets = fuzzTarget<Packets>({
  name: 'packets',
  inputs: fc.record({
    server: fc.constantFrom('connector', 'rooms'),
    isPlayer: fc.boolean(),
    packets: fc.array(hostileBytes(valid), { minLength: 1, maxLength: 8 }),
  }),
  inputsInSuite: 400,
  start: async (services) =>
    sharedTarget(services, async (input) => {
      const client = await connect(services, input)
      for (const packet of input.packets) client.send(packet)
      await client.close()
    }),
})
