import { constants, setPriority } from 'node:os'
import { startBroker } from '../cells/bus/fixtures.ts'
import { lookUp } from '../testing/parts/catalogue.ts'
import { type Conversation, converse } from './connector/conversation.ts'
import type { PlayersCommand, PlayersReport } from './connector/players.ts'
import type { ServerCommand, ServerKind, ServerUsage } from './connector/server.ts'
import { verificationSeconds } from './connector/verification.ts'
import type { Figure } from './figure.ts'
import { percentile } from './http-load.ts'

export const name = 'connector'

type Players = Conversation<PlayersCommand, PlayersReport>
type Server = Conversation<ServerCommand, ServerUsage>

/** `BENCH_PLAYERS=15000` is the long form. */
const PLAYERS = Number(process.env.BENCH_PLAYERS ?? 5_000)
const WARM_UP = 500
const CONCURRENCY = 200
const HEARTBEATS_PER_SECOND = 24_000
const HEARTBEAT_SECONDS = 5
const SETTLE_MS = 3_000
const DROP_MS = 1_000
const STORM = 2_000
const STEADY = 500
const STORM_SECONDS = 12
const RATIO = { better: 'higher', kind: 'count' } as const
/** As in the image, so that the memory is comparable. */
const FLAGS = ['--max-semi-space-size=16', '--expose-gc']

/** One connector with its players, and beside it `ws` alone with the same players: each is a process of its own. */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const bare = await measure('bare', undefined)
  const ours = await measure('connector', undefined, (server, players) => storms(server, players, report))
  const verification = await verificationSeconds()
  for (const as of ['new', 'returning'] as const) {
    const floor = bare.handshake[as] + verification[as]
    const parts = `bare upgrades with as many frames ${perSecond(1 / bare.handshake[as])}, verification alone ${perSecond(1 / verification[as])}`
    report({
      what: `handshakes of ${as} players`,
      value: 1 / ours.handshake[as],
      unit: 'per s and core',
      note: `all threads, from the connection to the welcome; ${parts}`,
    })
    const what = `handshakes of ${as} players, beside verification and a bare upgrade`
    report({ what, value: floor / ours.handshake[as], unit: 'x', compare: RATIO })
  }
  report({
    what: 'handshakes of the first players',
    value: 1 / ours.handshake.first,
    unit: 'per s and core',
    note: `the first ${PLAYERS}, for whom the process grows; bare upgrades ${perSecond(1 / bare.handshake.first)}`,
  })
  report({
    what: 'memory per active connection',
    value: ours.memory / 1000,
    unit: 'kB',
    note: `resident, ${PLAYERS} connections after ${HEARTBEAT_SECONDS} s of heartbeats; a bare connection ${(bare.memory / 1000).toFixed(1)} kB`,
  })
  heartbeatFigures('heartbeats, socket to bus', ours, bare, report)
  const nats = lookUp('nats')
  if (!('path' in nats)) return
  await using broker = await startBroker(nats.path)
  const publishing = await measure('bare', broker.url)
  heartbeatFigures('heartbeats, socket to NATS', await measure('connector', broker.url), publishing, report)
}

const perSecond = (value: number): string => `${Math.round(value).toLocaleString('en')}/s`

interface Measured {
  /** Seconds of processor time of one handshake; of the first players, while the process grows to what their sessions take. */
  handshake: { first: number; new: number; returning: number }
  /** Seconds of processor time of one heartbeat. */
  heartbeat: number
  /** Share of a core that the heartbeats took. */
  share: number
  /** Resident bytes per connection. */
  memory: number
}

function heartbeatFigures(what: string, ours: Measured, bare: Measured, report: (figure: Figure) => void): void {
  report({
    ...{ what, value: 1 / ours.heartbeat, unit: 'per s and core' },
    note: `${perSecond(HEARTBEATS_PER_SECOND)} took ${Math.round(100 * ours.share)} % of one core; bare ${perSecond(1 / bare.heartbeat)}`,
  })
  report({ what: `${what}, beside bare sockets`, value: bare.heartbeat / ours.heartbeat, unit: 'x', compare: RATIO })
}

/** Starts a server and players, measures both, and ends them. */
async function measure(
  kind: ServerKind,
  nats: string | undefined,
  further: (server: Server, players: Players) => Promise<void> = async () => {},
): Promise<Measured> {
  const server: Server = converse(new URL('./connector/server.ts', import.meta.url), FLAGS)
  const players = startPlayers()
  try {
    const { url } = await server.ask({ do: 'start', kind, nats })
    await players.ask({ do: 'prepare', players: PLAYERS + WARM_UP })
    await players.ask({ do: 'connect', url, players: WARM_UP, concurrency: CONCURRENCY })
    await dropped(players, WARM_UP, false)
    const empty = await server.ask({ do: 'settled' })
    await joined(players.ask({ do: 'connect', url, players: PLAYERS, concurrency: CONCURRENCY }))
    const full = await server.ask({ do: 'usage' })
    const heartbeat = await heartbeats(server, players)
    const settled = await server.ask({ do: 'settled' })
    const returning = await anew(server, players, url, true)
    const fresh = await anew(server, players, url, false)
    await further(server, players)
    return {
      ...heartbeat,
      handshake: { first: (full.cpuSeconds - empty.cpuSeconds) / PLAYERS, new: fresh, returning },
      memory: (settled.rss - empty.rss) / PLAYERS,
    }
  } finally {
    players.end()
    server.end()
  }
}

/** Seconds of processor time of one handshake, when all players hang up, and they or as many others connect. */
async function anew(server: Server, players: Players, url: string, willReturn: boolean): Promise<number> {
  await dropped(players, PLAYERS, willReturn)
  await players.ask({ do: 'prepare', players: PLAYERS })
  const before = await server.ask({ do: 'usage' })
  await joined(players.ask({ do: 'connect', url, players: PLAYERS, concurrency: CONCURRENCY }))
  const after = await server.ask({ do: 'usage' })
  return (after.cpuSeconds - before.cpuSeconds) / PLAYERS
}

/** Every player sends heartbeats. Processor time counts until the last of them was published, however late it is. */
async function heartbeats(server: Server, players: Players): Promise<Pick<Measured, 'heartbeat' | 'share'>> {
  const before = await server.ask({ do: 'usage' })
  const perPlayer = HEARTBEATS_PER_SECOND / PLAYERS
  const load = { players: PLAYERS, perSecond: perPlayer, seconds: HEARTBEAT_SECONDS, epoch: 0 }
  const { sent } = await players.ask({ do: 'heartbeat', ...load })
  const lastAt = performance.now() + SETTLE_MS
  let after = await server.ask({ do: 'usage' })
  while (after.heartbeats - before.heartbeats < sent && performance.now() < lastAt) after = await server.ask({ do: 'usage' })
  const count = after.heartbeats - before.heartbeats
  const seconds = after.threadSeconds - before.threadSeconds
  return { heartbeat: seconds / count, share: seconds / (count / HEARTBEATS_PER_SECOND) }
}

/** The latency of steady players while others, whose connector has ended, connect all at once, each with a signature to check. */
async function storms(server: Server, players: Players, report: (figure: Figure) => void): Promise<void> {
  const steady = startPlayers()
  try {
    const epoch = Date.now()
    const { url } = await server.ask({ do: 'latencies', epoch })
    await steady.ask({ do: 'prepare', players: STEADY })
    await joined(steady.ask({ do: 'connect', url, players: STEADY, concurrency: 50 }))
    for (const as of ['returning', 'new'] as const) {
      await dropped(players, STORM, as === 'returning')
      await players.ask({ do: 'prepare', players: STORM })
      const load = { players: STEADY, perSecond: 10, seconds: STORM_SECONDS, epoch }
      const steadyHeartbeats = steady.ask({ do: 'heartbeat', ...load })
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      await server.ask({ do: 'latencies', epoch })
      const storm = await players.ask({ do: 'connect', url, players: STORM, concurrency: STORM })
      const { latencies } = await server.ask({ do: 'latencies', epoch })
      await steadyHeartbeats
      const what = `a storm of ${STORM} ${as} players`
      report({
        ...{ what: `${what}, welcomed within`, value: storm.seconds, unit: 's' },
        note: `${storm.failed} failed; ${storm.cpuSeconds.toFixed(1)} s of a core is that of the players`,
      })
      const sorted = [...latencies]
      report({
        ...{ what: `heartbeat latency in ${what}, p99`, value: percentile(sorted, 0.99), unit: 'ms' },
        note: `median ${percentile(sorted, 0.5).toFixed(1)} ms, ${sorted.length} heartbeats`,
      })
    }
  } finally {
    steady.end()
  }
}

/** Some players lose their connections, which the server then has noticed. */
async function dropped(players: Players, count: number, willReturn: boolean): Promise<void> {
  await players.ask({ do: 'drop', players: count, willReturn })
  await new Promise((resolve) => setTimeout(resolve, DROP_MS))
}

async function joined(report: Promise<PlayersReport>): Promise<void> {
  const { failed } = await report
  if (failed > 0) throw new Error(`${failed} players could not connect`)
}

/** In production players run on other machines: here they at least have a lower priority than the connector. */
function startPlayers(): Players {
  const players: Players = converse(new URL('./connector/players.ts', import.meta.url))
  if (players.pid) setPriority(players.pid, constants.priority.PRIORITY_BELOW_NORMAL)
  return players
}
