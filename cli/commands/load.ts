import { isInternalAddress } from '../../cells/chassis/client-address.ts'
import type { SpanClock } from '../../cells/chassis/clock.ts'
import { UserError } from '../../cells/chassis/errors.ts'
import { Crowd, type CrowdCounts } from '../join/crowd.ts'
import { tableOf } from '../output/table.ts'

export interface LoadOptions {
  players: number
  /** Players who begin to enter in a second. */
  rate: number
  /** Milliseconds that the crowd stays after the last player began to enter. */
  for: number
  /** Of each step of a player, in milliseconds. */
  timeout: number
  at: readonly [number, number]
  /** Parcels in each direction on which the players stand. */
  spread: number
  /** Whether players enter the rooms of their islands. */
  rooms?: boolean
  /** The person says that the realm may be loaded, wherever it is. */
  yesThisIsMyRealm?: boolean
  output: 'table' | 'json'
}

export interface LoadPorts {
  print(text: string): Promise<void>
  /** Progress, to standard error. */
  say(sentence: string): void
  clock: SpanClock
  /** Aborted when the person ends the test early. */
  signal: AbortSignal
}

/** What a test found. With `-o json` this is the output; fields may be added, and none changes its meaning. */
export interface LoadReport {
  url: string
  /** From the first player to the end. */
  seconds: number
  /** Whether a person ended it before its time. */
  interrupted: boolean
  players: { wanted: number; begun: number; joined: number; connectedAtEnd: number }
  failures: { cause: string; players: number }[]
  /** Milliseconds from `/about` to the island, or to the room with `--rooms`; null where no player joined. */
  joinMs: { p50: number; p95: number; p99: number; max: number } | null
  islands: number
  heartbeats: { sent: number; perSecond: number }
  disconnects: { reason: string; players: number }[]
}

const REPORT_EVERY_MS = 1_000
const LIMITS = { players: 10_000, rate: 1_000, forMs: 3_600_000 }

/**
 * Has many players with throw-away wallets enter a realm and stay in it, and prints what they met.
 *
 * @returns the exit code: 1 where a player could not join or was disconnected, 4 where none could join
 * @throws UserError 2 where an option is out of range, or the realm is one that may not be loaded
 */
export async function load(url: string, options: LoadOptions, ports: LoadPorts): Promise<number> {
  const base = url.replace(/\/+$/, '').replace(/\/about$/, '')
  checkLimits(options)
  const checkUrl = options.yesThisIsMyRealm ? () => {} : refuseStrangers
  checkUrl(base)
  const { clock, signal, say } = ports
  const startedAt = clock.monotonic()
  const { players, rate, at, spread, timeout, rooms = false } = options
  const crowd = new Crowd(
    { url: base, players, perSecond: rate, at, spreadParcels: spread, timeoutMs: timeout, entersRoom: rooms, checkUrl },
    clock,
  )
  const endsAt = startedAt + (players / rate) * 1_000 + options.for
  while (!signal.aborted && !crowd.refusal && clock.monotonic() < endsAt) {
    await pause(Math.min(REPORT_EVERY_MS, endsAt - clock.monotonic()), clock, signal)
    say(progressOf(crowd.counts, players))
  }
  // The last ones may still be on their way, for as long as their steps may take.
  if (!signal.aborted && !crowd.refusal) await Promise.race([crowd.entered(), aborted(signal)])
  const seconds = (clock.monotonic() - startedAt) / 1_000
  const report = reportOf(base, crowd.counts, { wanted: players, seconds, interrupted: signal.aborted })
  // Those who are on their way may take as long as a step; the report does not wait for them.
  const left = crowd.leave()
  if (!crowd.refusal) await ports.print(options.output === 'json' ? `${JSON.stringify(report, null, 2)}\n` : textOf(report))
  await left
  if (crowd.refusal) throw crowd.refusal
  if (report.players.joined === 0) return 4
  return report.failures.length + report.disconnects.length > 0 ? 1 : 0
}

function checkLimits({ players, rate, for: stay, spread }: LoadOptions): void {
  const outOfRange = [
    ...(players >= 1 && players <= LIMITS.players ? [] : [`--players is from 1 to ${LIMITS.players}`]),
    ...(rate >= 1 && rate <= LIMITS.rate ? [] : [`--rate is from 1 to ${LIMITS.rate}`]),
    ...(stay <= LIMITS.forMs ? [] : ['--for is at most an hour']),
    ...(spread <= 100 ? [] : ['--spread is at most 100 parcels']),
  ]
  if (outOfRange.length > 0) throw new UserError(`${outOfRange.join('; ')}.`, 2)
}

/** Hosts of this machine, of a cluster and of private networks may be loaded; others only with the word of a person. */
function refuseStrangers(url: string): void {
  const host = URL.parse(url)?.hostname.replace(/^\[|\]$/g, '') ?? url
  const isOwn = /^localhost$|\.(localhost|svc|cluster\.local)\.?$/.test(host) || isInternalAddress(host)
  if (!isOwn)
    throw new UserError(
      `${host} is neither this machine nor a cluster's or private address. Load on a realm of others is an attack: if it is yours, add --yes-this-is-my-realm.`,
      2,
    )
}

function pause(ms: number, clock: SpanClock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.after(ms, done)
    signal.addEventListener('abort', done)
  })
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))

const progressOf = ({ begun, connected, failures, heartbeats }: CrowdCounts, wanted: number): string =>
  `${connected} in, ${begun} of ${wanted} begun, ${sumOf(failures)} failed, ${heartbeats} heartbeats`

const sumOf = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((sum, each) => sum + each, 0)

function reportOf(
  url: string,
  counts: CrowdCounts,
  { wanted, seconds, interrupted }: { wanted: number; seconds: number; interrupted: boolean },
): LoadReport {
  const { begun, joined, connected, failures, joinMs, islands, heartbeats, disconnects } = counts
  return {
    url,
    seconds: rounded(seconds),
    interrupted,
    players: { wanted, begun, joined, connectedAtEnd: connected },
    failures: sorted(failures).map(([cause, players]) => ({ cause, players })),
    joinMs: quantilesOf(joinMs),
    islands: islands.size,
    heartbeats: { sent: heartbeats, perSecond: rounded(heartbeats / Math.max(seconds, 0.001)) },
    disconnects: sorted(disconnects).map(([reason, players]) => ({ reason, players })),
  }
}

const sorted = (counts: ReadonlyMap<string, number>): [string, number][] =>
  [...counts].sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1))

const rounded = (number: number): number => Math.round(number * 10) / 10

function quantilesOf(values: readonly number[]): LoadReport['joinMs'] {
  if (values.length === 0) return null
  const ascending = [...values].sort((a, b) => a - b)
  const at = (share: number) => Math.round(ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))] ?? 0)
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) }
}

function textOf({ url, seconds, interrupted, players, failures, joinMs, islands, heartbeats, disconnects }: LoadReport): string {
  return tableOf([
    ['realm', url],
    ['time', `${seconds} s${interrupted ? ', ended early' : ''}`],
    ['players', `${players.joined} of ${players.begun} joined, ${players.connectedAtEnd} still there at the end`],
    ['join time', joinMs ? `p50 ${joinMs.p50} ms, p95 ${joinMs.p95} ms, p99 ${joinMs.p99} ms, longest ${joinMs.max} ms` : '-'],
    ['islands', String(islands)],
    ['heartbeats', `${heartbeats.sent}, ${heartbeats.perSecond} a second`],
    ...failures.map(({ cause, players: count }) => ['failed', `${count}: ${cause}`]),
    ...disconnects.map(({ reason, players: count }) => ['disconnected', `${count}: ${reason}`]),
  ])
}
