import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import type { Duplex } from 'node:stream'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import { DatagramFrames, writeDatagram } from '../../cells/wire/datagram-frames.ts'
import { PULSE_PORT } from '../../cells/wire/relay-address.ts'

const LOCAL = '127.0.0.1'
/** Explorers at a time. */
const MAX_CLIENTS = 32
/** Datagrams that wait for a connection that is not open yet; further ones are dropped, as a network would. */
const MAX_WAITING = 64
/** An explorer sends a sign of life twice a second. */
const IDLE_MS = 30_000
/** After a connection ended, an explorer's next datagram opens one again, but not more often. */
const RETRY_MS = 1_000

/** A UDP port of this machine that leads to a movement relay. */
export interface RelayClients extends Running {
  readonly port: number
}

/**
 * Opens a UDP port of this machine for explorers, each of which has a connection of its own to the relay's pod: see `forwarded-clients.ts`
 * of the relay. It is the port that explorers know, or a free one where that is taken.
 *
 * @param connect opens a connection to the pod's port for such clients
 */
export async function startRelayClients(
  connect: () => Promise<Duplex>,
  onProblem: (error: unknown) => void,
): Promise<RelayClients> {
  const udp = await bound(PULSE_PORT).catch(() => bound(0))
  const clients = new Map<string, RelayClient>()
  const open = (key: string, { address, port }: RemoteInfo): RelayClient => {
    const client = new RelayClient(connect, {
      onDatagram: (datagram) => udp.send(datagram, port, address, () => {}),
      onProblem,
      onEnd: () => void setTimeout(() => clients.delete(key), RETRY_MS).unref(),
    })
    clients.set(key, client)
    return client
  }
  udp.on('message', (datagram, from) => {
    const key = `${from.address}:${from.port}`
    const client = clients.get(key) ?? (clients.size < MAX_CLIENTS ? open(key, from) : undefined)
    client?.send(datagram)
  })
  return {
    port: udp.address().port,
    async stop() {
      for (const client of clients.values()) client.end()
      await new Promise<void>((resolve) => udp.close(resolve))
    },
  }
}

interface RelayClientEvents {
  /** The bytes are not used again. */
  onDatagram(datagram: Buffer): void
  onProblem(error: unknown): void
  onEnd(): void
}

/** One explorer, from its first datagram until it is silent or the connection ends. */
class RelayClient {
  readonly #events: RelayClientEvents
  readonly #idle: NodeJS.Timeout
  #tunnel: Duplex | undefined
  /** What was sent before the tunnel is open. */
  #waiting: Buffer[] = []
  #isOver = false

  constructor(connect: () => Promise<Duplex>, events: RelayClientEvents) {
    this.#events = events
    this.#idle = setTimeout(() => this.end(), IDLE_MS)
    connect().then(
      (tunnel) => this.#opened(tunnel),
      (error: unknown) => {
        if (!this.#isOver) events.onProblem(error)
        this.end()
      },
    )
  }

  send(datagram: Buffer): void {
    if (this.#isOver) return
    this.#idle.refresh()
    if (this.#tunnel) writeDatagram(this.#tunnel, datagram)
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(datagram)
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#idle)
    this.#tunnel?.destroy()
    this.#events.onEnd()
  }

  #opened(tunnel: Duplex): void {
    this.#tunnel = tunnel
    if (this.#isOver) {
      tunnel.destroy()
      return
    }
    const frames = new DatagramFrames((datagram) => this.#events.onDatagram(Buffer.from(datagram)))
    tunnel.on('data', (bytes: Buffer) => {
      if (!frames.read(bytes)) this.end()
    })
    tunnel.once('close', () => this.end())
    for (const datagram of this.#waiting.splice(0)) writeDatagram(tunnel, datagram)
  }
}

const bound = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const udp = createSocket('udp4')
    udp.once('error', reject)
    udp.bind(port, LOCAL, () => {
      udp.removeAllListeners('error').on('error', () => {})
      resolve(udp)
    })
  })
