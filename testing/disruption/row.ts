import { setTimeout as sleep } from 'node:timers/promises'
import { type Effects, effectsOn, type Spread, snapshotsOf } from './effects.ts'
import type { Event } from './events.ts'
import type { ObservedPlayer } from './observed-player.ts'
import { type Outage, pollUrl } from './outage.ts'
import type { Platform } from './platform.ts'
import type { PlayerGroup } from './player-group.ts'

/** How an event affected players and the HTTP endpoints they use. */
export interface Row extends Effects {
  event: string
  /** Until the platform had settled and every player had a room again. */
  tookMs: number
  /** Longest time between two island changes of a player who changes islands with every flush, in ms. */
  islandGapMs: number
  about: Outage
  gatekeeper: Outage
}

/** How long the last players may take to reconnect and receive a room. */
const RECONNECT_MS = 60_000
/** Clusterings in which further island changes, which would be a fault, can follow. */
const AFTERWARDS_FLUSHES = 2

/** Causes an event while players are connected, waits until it is over, and measures how it affected them. */
export async function measureEvent(platform: Platform, group: PlayerGroup, event: Event): Promise<Row> {
  const runner = await group.startRunner()
  const polls = { about: pollUrl(platform.aboutUrl), gatekeeper: pollUrl(`${platform.gatekeeperUrl}/ping`) }
  const snapshots = snapshotsOf(group.players)
  const sinceMs = performance.now()
  await event.cause(platform, group)
  await platform.settled()
  await group.untilConnected(RECONNECT_MS)
  const tookMs = performance.now() - sinceMs
  await sleep(AFTERWARDS_FLUSHES * platform.flushMs)
  const [about, gatekeeper] = [polls.about.stop(), polls.gatekeeper.stop()]
  const islandGapMs = await runner.stop()
  const slots = new Set((await platform.cells()).map(({ spec }) => spec.slot))
  const changesCell = ({ url }: ObservedPlayer) => !slots.has(slotOf(url))
  const known = new Set(snapshots.map(({ player }) => player))
  const added = snapshotsOf(group.players.filter((player) => !known.has(player))).map((snapshot) => ({
    ...snapshot,
    room: undefined,
  }))
  return {
    event: event.name,
    tookMs,
    islandGapMs,
    about,
    gatekeeper,
    ...effectsOn([...snapshots, ...added], sinceMs, changesCell),
  }
}

const slotOf = (url: string): number => Number(/\/cells\/(\d+)\//.exec(url)?.[1])

/** The heads of the columns, in Markdown. */
export const head: readonly string[] = [
  'event',
  'failed',
  'changed island',
  'changed cell',
  'kicked',
  'reconnected',
  'most per player',
  'within',
  'most in a second',
  'no session p50',
  'p99',
  'longest',
  'no room p50',
  'p99',
  'no island change',
  'no `/about`',
  'no gatekeeper',
]

/** The columns of a row, in the order of `head`. */
export const cellsOf = (row: Row): (string | number)[] => [
  row.event,
  row.failed,
  row.changedIsland,
  row.changedCell,
  row.kicked,
  row.reconnected,
  row.mostPerPlayer,
  row.reconnected === 0 ? '' : seconds(row.withinMs),
  row.mostPerSecond,
  ...timesOf(row.sessionGap, 'p50', 'p99', 'most'),
  ...timesOf(row.roomDelay, 'p50', 'p99'),
  seconds(row.islandGapMs),
  seconds(row.about.ms),
  seconds(row.gatekeeper.ms),
]

const timesOf = (spread: Spread | undefined, ...which: (keyof Spread)[]): string[] =>
  which.map((each) => (spread ? seconds(spread[each]) : ''))

const seconds = (ms: number): string => (Number.isFinite(ms) ? `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s` : 'never')
