import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Broker, startBroker } from '../../cells/bus/fixtures.ts'
import type { Position } from '../../cells/wire/peer.ts'
import { type Program, startProgram } from '../program.ts'
import { Citizen } from './simulated-player.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const SCOPE = 'continuity.city.0'
const START_MS = 60_000
const ARRIVAL_MS = 600_000
const POLL_MS = 20
const LANES = 64
/** Players who stand together; far enough from the next for nobody to stroll over. */
const VILLAGE = 20
const VILLAGE_DISTANCE = 400
const HEARTBEAT_MS = 2_000
const TICK_MS = 100
const HOUSEHOLD = 200

/** A service of ours as a process of its own. */
export interface Service {
  readonly program: Program
  readonly url: string
}

/** Waits until something is so. @throws with what it was about when it does not become so in time */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`)
    await sleep(POLL_MS)
  }
}

/** A whole comms cell of real processes, over a real broker, with players in it. */
export class City implements AsyncDisposable {
  readonly broker: Broker
  readonly periodMs: number
  readonly citizens: Citizen[] = []
  readonly connectors: Service[] = []
  readonly archipelagos: Service[] = []
  readonly #everything: Program[] = []
  #heartbeats: NodeJS.Timeout | undefined

  private constructor(broker: Broker, periodMs: number) {
    this.broker = broker
    this.periodMs = periodMs
  }

  /** Builds a city: two connectors, an archipelago and its standby, and players in villages, all of whom know their room. */
  static async build(natsBinary: string, { players, periodMs }: { players: number; periodMs: number }): Promise<City> {
    const city = new City(await startBroker(natsBinary), periodMs)
    try {
      await Promise.all([city.addConnector(), city.addConnector(), city.addArchipelago()])
      await city.addArchipelago()
      await city.#settle(players)
    } catch (error) {
      await city[Symbol.asyncDispose]()
      throw error
    }
    return city
  }

  async addConnector(): Promise<Service> {
    const connector = await this.#start('connector', { MAX_CONNECTIONS_PER_ADDRESS: '100000', DRAIN_SECONDS: '3' })
    this.connectors.push(connector)
    return connector
  }

  /** Another archipelago, once it is ready to stand in. */
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

  /** The archipelago that speaks. */
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
    if (!found) throw new Error('nobody is active')
    return found
  }

  /** Ends a service and forgets it. */
  async end(service: Service, signal: NodeJS.Signals): Promise<void> {
    for (const services of [this.connectors, this.archipelagos]) {
      const at = services.indexOf(service)
      if (at !== -1) services.splice(at, 1)
    }
    service.program.signal(signal)
    await service.program.ended
  }

  /** A player of one's own, at a connector of one's choice. */
  newCitizen(name: string, position: Position, connector?: Service): Citizen {
    const choose = () => {
      const { url = 'http://127.0.0.1:1' } =
        connector ?? this.connectors[Math.floor(Math.random() * this.connectors.length)] ?? {}
      return `${url.replace('http', 'ws')}/ws`
    }
    return new Citizen(name, position, choose, `127.0.1.${(this.citizens.length % HOUSEHOLD) + 1}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#heartbeats)
    for (const citizen of this.citizens) citizen.leave()
    await Promise.all(this.#everything.map((program) => program[Symbol.asyncDispose]()))
    await this.broker[Symbol.asyncDispose]()
  }

  async #start(name: string, env: NodeJS.ProcessEnv): Promise<Service> {
    const program = startProgram(process.execPath, ['cells/main.ts', name], {
      cwd: root,
      env: { NATS_URL: this.broker.url, BUS_SCOPE: SCOPE, HTTP_SERVER_HOST: '127.0.0.1', HTTP_SERVER_PORT: '0', ...env },
    })
    this.#everything.push(program)
    const [, url = ''] = await program.says(/"url":"(http:[^"]+)"/, START_MS)
    await until(`the ${name} is live`, async () => (await statusOf(`${url}/health/live`)) === 200, START_MS)
    return { program, url }
  }

  /** Lets everybody move in, a few at a time. */
  async #settle(players: number): Promise<void> {
    for (let n = 0; n < players; n++) this.citizens.push(this.newCitizen(`citizen ${n}`, homeOf(n, players)))
    let turn = 0
    const share = Math.ceil((players * TICK_MS) / HEARTBEAT_MS)
    this.#heartbeats = setInterval(() => {
      for (let i = 0; i < share; i++) stroll(this.citizens[turn++ % players])
    }, TICK_MS)
    const waiting = [...this.citizens]
    const lane = async () => {
      for (let next = waiting.pop(); next; next = waiting.pop()) await next.arrive()
    }
    await Promise.all(Array.from({ length: LANES }, lane))
    await until('everybody knows a room', () => this.citizens.every(({ room }) => room !== undefined), ARRIVAL_MS)
    // Villages that filled up over several flushes grow together.
    await sleep(5 * this.periodMs)
  }
}

/** Where the nth of so many lives. */
export function homeOf(n: number, players: number): Position {
  const side = Math.ceil(Math.sqrt(players / VILLAGE))
  const village = Math.floor(n / VILLAGE)
  return { x: (village % side) * VILLAGE_DISTANCE + (n % VILLAGE), y: 0, z: Math.floor(village / side) * VILLAGE_DISTANCE }
}

/** A step within the village, and a heartbeat. */
function stroll(citizen: Citizen | undefined): void {
  if (!citizen) return
  const { x, y, z } = citizen.position
  citizen.position = { x, y: (y + 1) % 3, z }
  citizen.heartbeat()
}

const statusOf = async (url: string): Promise<number> => (await fetch(url).catch(() => undefined))?.status ?? 0
const isReady = async ({ url }: Service): Promise<boolean> => (await statusOf(`${url}/health/ready`)) === 200

/** What an archipelago is at the moment; a frozen one does not answer. */
async function roleOf({ url }: Service): Promise<string | undefined> {
  const answer = await fetch(`${url}/debug`, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined)
  return ((await answer?.json()) as { role: string } | undefined)?.role
}
