import { setTimeout as sleep } from 'node:timers/promises'
import { before, type Effects, effectsOn, type Spread } from './effects.ts'
import type { Event } from './events.ts'
import type { Party } from './player-group.ts'
import type { Platform } from './platform.ts'
import type { Traveller } from './observed-player.ts'
import { type Silence, watch } from './outage.ts'

/** What an event did to players, and to what they ask besides. */
export interface Row extends Effects {
  event: string
  tookMs: number
  /** Longest wait for an island change of somebody who changes islands with every flush, in ms. */
  silentMs: number
  /** Longest time without an answer of `/about` and of the gatekeeper. */
  about: Silence
  gatekeeper: Silence
}

/** Time for the last ones to come back and be told. */
const BACK_MS = 60_000
const AFTERWARDS_MS = 4_000

/** Lets something happen while players live on, waits until it is over, and says what it did to them. */
export async function witness(platform: Platform, party: Party, event: Event): Promise<Row> {
  const runner = await party.run()
  const watches = { about: watch(platform.aboutUrl), gatekeeper: watch(`${platform.gatekeeperUrl}/ping`) }
  const notes = before(party.travellers)
  const sinceMs = performance.now()
  await event.happen(platform, party)
  await platform.settled()
  await party.together(BACK_MS)
  const tookMs = performance.now() - sinceMs
  await sleep(AFTERWARDS_MS)
  const [about, gatekeeper] = [watches.about.stop(), watches.gatekeeper.stop()]
  const silentMs = await runner.stop()
  const slots = new Set((await platform.cells()).map(({ spec }) => spec.slot))
  const isLed = ({ url }: Traveller) => !slots.has(slotOf(url))
  const known = new Set(notes.map(({ player }) => player))
  const late = before(party.travellers.filter((one) => !known.has(one))).map((note) => ({ ...note, room: undefined }))
  return { event: event.name, tookMs, silentMs, about, gatekeeper, ...effectsOn([...notes, ...late], sinceMs, isLed) }
}

const slotOf = (url: string): number => Number(/\/cells\/(\d+)\//.exec(url)?.[1])

/** The head of the table of all events. */
export const head: readonly string[] = [
  'what happened',
  'failed',
  'changed island',
  'led to another cell',
  'kicked',
  'reconnected',
  'most per player',
  'within',
  'most in a second',
  'no session p50',
  'p99',
  'longest',
  'no room told p50',
  'p99',
  'islands silent',
  '`/about` silent',
  'gatekeeper silent',
]

/** A row of it. */
export const cellsOf = (row: Row): (string | number)[] => [
  row.event,
  row.failed,
  row.changedIsland,
  row.ledElsewhere,
  row.kicked,
  row.reconnected,
  row.mostPerPlayer,
  row.reconnected === 0 ? '' : seconds(row.withinMs),
  row.mostPerSecond,
  ...timesOf(row.gap, 'p50', 'p99', 'most'),
  ...timesOf(row.told, 'p50', 'p99'),
  seconds(row.silentMs),
  seconds(row.about.ms),
  seconds(row.gatekeeper.ms),
]

const timesOf = (spread: Spread | undefined, ...which: (keyof Spread)[]): string[] =>
  which.map((each) => (spread ? seconds(spread[each]) : ''))

const seconds = (ms: number): string => (Number.isFinite(ms) ? `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s` : 'never')
