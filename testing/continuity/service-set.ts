import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Broker, startBroker } from '../../cells/bus/fixtures.ts'
import type { Position } from '../../cells/wire/peer.ts'
import { type Program, startProgram } from '../program.ts'
import { SimulatedPlayer } from './simulated-player.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const SCOPE = 'continuity.test.0'
const START_MS = 60_000
const CONNECTED_MS = 600_000
const POLL_MS = 20
const MAX_HANDSHAKES_AT_ONCE = 64
/** Players who stand together, at a distance from the next group at which islands do not merge. */
const GROUP_SIZE = 20
const GROUP_DISTANCE = 400
const HEARTBEAT_MS = 2_000
const TICK_MS = 100
const PLAYERS_PER_ADDRESS = 200

/** A service of the product in a process of its own. */
export interface Service {
  readonly program: Program
  readonly url: string
}

/** Polls a condition. @throws with `what` when it is not met in time */
export async function until(what: string, isMet: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await isMet())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`)
    await sleep(POLL_MS)
  }
}

/** Connectors and archipelagos of one bus scope as real processes, over a real NATS server, with simulated players. */
export class ServiceSet implements AsyncDisposable {
  readonly broker: Broker
  readonly periodMs: number
  readonly players: SimulatedPlayer[] = []
  readonly connectors: Service[] = []
  readonly archipelagos: Service[] = []
  readonly #programs: Program[] = []
  #heartbeats: NodeJS.Timeout | undefined

  private constructor(broker: Broker, periodMs: number) {
    this.broker = broker
    this.periodMs = periodMs
  }

  /** Starts two connectors, an archipelago and its standby, and connects the players, until all of them have a room. */
  static async start(natsBinary: string, { players, periodMs }: { players: number; periodMs: number }): Promise<ServiceSet> {
    const services = new ServiceSet(await startBroker(natsBinary), periodMs)
    try {
      await Promise.all([services.addConnector(), services.addConnector(), services.addArchipelago()])
      await services.addArchipelago()
      await services.#addPlayers(players)
    } catch (error) {
      await services[Symbol.asyncDispose]()
      throw error
    }
    return services
  }

  async addConnector(): Promise<Service> {
    const connector = await this.#start('connector', { MAX_CONNECTIONS_PER_ADDRESS: '100000', DRAIN_SECONDS: '3' })
    this.connectors.push(connector)
    return connector
  }

  /** Another archipelago, once it is ready. */
  async addArchipelago(): Promise<Service> {
    const archipelago = await this.#start('archipelago', {
      ARCHIPELAGO_FLUSH_FREQUENCY: String(this.periodMs / 1_000),
      LIVEKIT_HOST: 'wss://livekit.invalid',
      LIVEKIT_API_KEY: 'key',
      LIVEKIT_API_SECRET: 'a secret of at least thirty-two characters',
    })
    this.archipelagos.push(archipelago)
    await until('the archipelago is ready', () => isReady(archipelago), START_MS)
    return archipelago
  }

  /** The archipelago that announces rooms. */
  async active(): Promise<Service> {
    let found: Service | undefined
    const look = async () => {
      const roles = await Promise.all(
        this.archipelagos.map(async (archipelago) => ({ archipelago, role: await roleOf(archipelago) })),
      )
      found = roles.find(({ role }) => role === 'active')?.archipelago
      return found !== undefined
    }
    await until('an archipelago is active', look, START_MS)
    if (!found) throw new Error('no archipelago is active')
    return found
  }

  /** Sends a signal to a service and waits until its process ended. */
  async stop(service: Service, signal: NodeJS.Signals): Promise<void> {
    for (const services of [this.connectors, this.archipelagos]) {
      const at = services.indexOf(service)
      if (at !== -1) services.splice(at, 1)
    }
    service.program.signal(signal)
    await service.program.ended
  }

  /** A player who is not connected yet; without `connector`, at one chosen at random for each connection. */
  newPlayer(name: string, position: Position, connector?: Service): SimulatedPlayer {
    const choose = () => {
      const { url = 'http://127.0.0.1:1' } =
        connector ?? this.connectors[Math.floor(Math.random() * this.connectors.length)] ?? {}
      return `${url.replace('http', 'ws')}/ws`
    }
    return new SimulatedPlayer(name, position, choose, `127.0.1.${(this.players.length % PLAYERS_PER_ADDRESS) + 1}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#heartbeats)
    for (const player of this.players) player.leave()
    await Promise.all(this.#programs.map((program) => program[Symbol.asyncDispose]()))
    await this.broker[Symbol.asyncDispose]()
  }

  async #start(name: string, env: NodeJS.ProcessEnv): Promise<Service> {
    const program = startProgram(process.execPath, ['cells/main.ts', name], {
      cwd: root,
      env: { NATS_URL: this.broker.url, BUS_SCOPE: SCOPE, HTTP_SERVER_HOST: '127.0.0.1', HTTP_SERVER_PORT: '0', ...env },
    })
    this.#programs.push(program)
    const [, url = ''] = await program.prints(/"url":"(http:[^"]+)"/, START_MS)
    await until(`the ${name} is live`, async () => (await statusOf(`${url}/health/live`)) === 200, START_MS)
    return { program, url }
  }

  /** Connects all players, at most `MAX_HANDSHAKES_AT_ONCE` at the same time. */
  async #addPlayers(players: number): Promise<void> {
    for (let n = 0; n < players; n++) this.players.push(this.newPlayer(`player ${n}`, startPosition(n, players)))
    let turn = 0
    const share = Math.ceil((players * TICK_MS) / HEARTBEAT_MS)
    this.#heartbeats = setInterval(() => {
      for (let i = 0; i < share; i++) sendHeartbeat(this.players[turn++ % players])
    }, TICK_MS)
    const waiting = [...this.players]
    const connectNext = async () => {
      for (let next = waiting.pop(); next; next = waiting.pop()) await next.arrive()
    }
    await Promise.all(Array.from({ length: MAX_HANDSHAKES_AT_ONCE }, connectNext))
    await until('every player has a room', () => this.players.every(({ room }) => room !== undefined), CONNECTED_MS)
    // The islands of a group whose players connected over several flushes merge.
    await sleep(5 * this.periodMs)
  }
}

/** Where the nth of so many players stands. */
export function startPosition(n: number, players: number): Position {
  const side = Math.ceil(Math.sqrt(players / GROUP_SIZE))
  const group = Math.floor(n / GROUP_SIZE)
  return { x: (group % side) * GROUP_DISTANCE + (n % GROUP_SIZE), y: 0, z: Math.floor(group / side) * GROUP_DISTANCE }
}

/** Moves a player within its group, and sends a heartbeat. */
function sendHeartbeat(player: SimulatedPlayer | undefined): void {
  if (!player) return
  const { x, y, z } = player.position
  player.position = { x, y: (y + 1) % 3, z }
  player.heartbeat()
}

const statusOf = async (url: string): Promise<number> => (await fetch(url).catch(() => undefined))?.status ?? 0
const isReady = async ({ url }: Service): Promise<boolean> => (await statusOf(`${url}/health/ready`)) === 200

/** The role of an archipelago; undefined when its process is stopped and does not answer. */
async function roleOf({ url }: Service): Promise<string | undefined> {
  const answer = await fetch(`${url}/debug`, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined)
  return ((await answer?.json()) as { role: string } | undefined)?.role
}
