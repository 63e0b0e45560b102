import { standingAt } from '../../cells/pulse/core/fixtures.ts'
import { FIELD_COUNT } from '../../cells/pulse/core/messages/avatar-state.ts'
import { decodeServerMessage, encodeRequest } from '../../cells/pulse/core/messages/fixtures.ts'
import { ProtoWriter } from '../../cells/pulse/core/messages/proto-writer.ts'
import { EnetClient } from '../../cells/pulse/enet/client.ts'
import { COMMAND_BYTES, CommandKind } from '../../cells/pulse/enet/commands.ts'
import { HEADER_BYTES } from '../../cells/pulse/enet/datagram.ts'
import { openUdp } from '../../cells/pulse/enet/udp.ts'
import type { UdpPort } from '../../cells/pulse/enet/udp-port.ts'

/** Where a mover enters: a movement relay, and a place in one of its realms. */
export interface MoverOptions {
  /** The address of its own socket, an IPv4 address: the relay counts clients by address. */
  from: string
  relay: { address: string; port: number }
  handshake(): Uint8Array
  /** Milliseconds; those of the process by default. */
  clock?: () => number
  /** Called for each datagram that it sends. */
  onSent?: () => void
  realm: string
  /** In metres. */
  x: number
  z: number
  /** It walks within a square of this side around that place, or around `centre`. */
  metres: number
  centre: { x: number; z: number }
}

/** What all movers of a process have received. */
export const received = { datagrams: 0, deltas: 0, messages: 0 }

const STEP_METRES = 0.15
const BUFFER_BYTES = 256 * 1024
const STATES = 1
const writer = new ProtoWriter()

/** A simulated player of a movement relay: signs in over ENet and walks at random. It reads that messages come, not what is in them. */
export class Mover {
  readonly #options: MoverOptions
  readonly #udp: UdpPort
  readonly #client: EnetClient
  #x: number
  #z: number
  #answer: ((error: string | undefined) => void) | undefined
  /** Why the relay ended the connection. */
  lost: string | undefined

  static async start(options: MoverOptions): Promise<Mover> {
    const udp = await openUdp({
      ...{ port: 0, address: options.from, receiveBufferBytes: BUFFER_BYTES, sendBufferBytes: BUFFER_BYTES },
      onDatagram: (bytes, address, port) => mover.#receive(bytes, address, port),
    })
    const mover: Mover = new Mover(options, udp)
    return mover
  }

  private constructor(options: MoverOptions, udp: UdpPort) {
    this.#options = options
    this.#udp = udp
    this.#x = options.x
    this.#z = options.z
    this.#client = new EnetClient({
      clock: options.clock ?? (() => performance.now()),
      send: (...datagram) => {
        options.onSent?.()
        udp.send(...datagram)
      },
      ...options.relay,
      onConnect: (peer) => peer.sendReliable(0, options.handshake()),
      onMessage: (_, channel, bytes) => this.#message(channel, bytes),
      onDisconnect: (_, reason, cause) => {
        this.lost = `${cause} ${reason}`
        this.#answer?.(this.lost)
      },
    })
  }

  /** Resolves when it has signed in and is in its realm. @throws when the relay refuses it, or does not answer in time */
  async enter(timeoutMs = 20_000): Promise<void> {
    const error = await new Promise<string | undefined>((resolve) => {
      this.#answer = resolve
      setTimeout(resolve, timeoutMs, 'no answer').unref()
    })
    if (error !== undefined) throw new Error(`a mover was not let in: ${error}`)
    const { parcel, x, y, z } = placeOf(this.#x, this.#z)
    const teleport = { parcelIndex: parcel, positionX: x, positionY: y, positionZ: z, realm: this.#options.realm }
    this.#client.peer.sendReliable(0, encodeRequest({ teleport }))
  }

  /** Walks a step and sends where it is. */
  step(): void {
    const { metres, centre } = this.#options
    this.#x = within(this.#x + (Math.random() - 0.5) * 4 * STEP_METRES, centre.x, metres)
    this.#z = within(this.#z + (Math.random() - 0.5) * 4 * STEP_METRES, centre.z, metres)
    const state = standingAt(this.#x, this.#z, { velocityX: 2 * Math.floor(Math.random() * 20), flags: 1 })
    const input = writer.reset().open(2)
    const inner = writer.open(1)
    for (let field = 0; field < FIELD_COUNT; field++) if (state[field]) writer.int32(field + 1, state[field] ?? 0)
    writer.close(inner)
    writer.close(input)
    this.#client.peer.sendUnreliable(STATES, writer.memory, 0, writer.length)
    this.#client.flush()
  }

  /** To be called each 50 ms: acknowledges, sends again, and keeps the connection alive. */
  service(): void {
    this.#client.service()
  }

  leave(): void {
    this.#client.peer.disconnectNow(0)
  }

  async stop(): Promise<void> {
    await this.#udp.close()
  }

  /** Most datagrams hold deltas only, of which nothing is read: a thousand movers share one process. */
  #receive(bytes: Buffer, address: string, port: number): void {
    received.datagrams++
    const deltas = deltasOnly(bytes)
    if (deltas === 0) this.#client.receive(bytes, address, port)
    else this.#client.peer.lastReceivedAt = this.#client.now()
    received.deltas += deltas
  }

  #message(channel: number, bytes: Buffer): void {
    if (channel === STATES) {
      received.deltas++
      return
    }
    received.messages++
    if (!this.#answer) return
    const { handshake } = decodeServerMessage(bytes)
    if (!handshake) return
    this.#answer(handshake.success ? undefined : String(handshake.error))
    this.#answer = undefined
  }
}

/** How many commands a datagram has, if all are unreliable messages; 0 otherwise. */
function deltasOnly(bytes: Buffer): number {
  let commands = 0
  for (let at = HEADER_BYTES; at + 8 <= bytes.length; commands++) {
    if (bytes[at] !== CommandKind.SEND_UNRELIABLE) return 0
    at += (COMMAND_BYTES[CommandKind.SEND_UNRELIABLE] ?? 0) + (((bytes[at + 6] ?? 0) << 8) | (bytes[at + 7] ?? 0))
  }
  return commands
}

function placeOf(x: number, z: number): { parcel: number; x: number; y: number; z: number } {
  const [parcel = 0, codeX = 0, codeY = 0, codeZ = 0] = standingAt(x, z)
  return { parcel, x: codeX, y: codeY, z: codeZ }
}

const within = (value: number, centre: number, metres: number): number =>
  Math.max(centre - metres / 2, Math.min(centre + metres / 2, value))
