import { expect, test } from 'vitest'
import { effectsOn, type PlayerRecord, snapshotsOf } from './effects.ts'

const SINCE_MS = 1_000

const aPlayer = (changes: Partial<PlayerRecord> = {}): PlayerRecord => ({
  announcements: [{ atMs: 0, room: 'first' }],
  lostSessions: [],
  isConnected: true,
  room: 'first',
  kicked: 0,
  refused: 0,
  ...changes,
})

const lost = (lostAtMs: number, gapMs: number | undefined, roomDelayMs = gapMs) => ({
  lostAtMs,
  code: 1012,
  reconnectedAtMs: gapMs === undefined ? undefined : lostAtMs + gapMs,
  announcedAtMs: roomDelayMs === undefined ? undefined : lostAtMs + roomDelayMs,
  failedAttempts: 0,
})

const announced = (...rooms: string[]) => rooms.map((room, n) => ({ atMs: SINCE_MS + n, room }))

/** The effects on one player, whose room was 'first' before. */
const effectOn = (changes: Partial<PlayerRecord>, changesCell = false) => {
  const player = aPlayer()
  const snapshots = snapshotsOf([player])
  Object.assign(player, changes)
  return effectsOn(snapshots, SINCE_MS, () => changesCell)
}

test('a player to whom nothing happened is counted and has no effect', () => {
  expect(effectOn({})).toMatchObject({ players: 1, failed: 0, changedIsland: 0, changedCell: 0, kicked: 0, reconnected: 0 })
})

test('a player whose room is announced again did not change islands', () => {
  expect(effectOn({ announcements: announced('first', 'first') })).toMatchObject({ changedIsland: 0, changedCell: 0 })
})

test('a player who was in another room for a moment changed islands', () => {
  expect(effectOn({ announcements: announced('second', 'first') })).toMatchObject({ changedIsland: 1 })
})

test('one new room after the slot was routed to another cell is a change of cell; a second new room is a change of island', () => {
  expect(effectOn({ announcements: announced('second') }, true)).toMatchObject({ changedIsland: 0, changedCell: 1 })
  expect(effectOn({ announcements: announced('second', 'third') }, true)).toMatchObject({ changedIsland: 1, changedCell: 0 })
})

test('a player has failed without a session, without a room, or when an upgrade was refused', () => {
  expect(effectOn({ isConnected: false })).toMatchObject({ failed: 1 })
  expect(effectOn({ room: undefined })).toMatchObject({ failed: 1 })
  expect(effectOn({ refused: 1 })).toMatchObject({ failed: 1 })
  expect(effectOn({ kicked: 1 })).toMatchObject({ failed: 0, kicked: 1 })
})

test('what happened before the snapshot is not counted', () => {
  const player = aPlayer({ kicked: 1, refused: 1, lostSessions: [lost(10, 100)], announcements: [{ atMs: 0, room: 'earlier' }] })
  expect(effectsOn(snapshotsOf([player]), SINCE_MS, () => false)).toMatchObject({
    failed: 0,
    changedIsland: 0,
    kicked: 0,
    reconnected: 0,
  })
})

test('lost sessions are counted by player, by second and from first to last', () => {
  const players = [0, 400, 999, 1_000, 5_000].map((at) => aPlayer({ lostSessions: [lost(SINCE_MS + at, 100)] }))
  const twice = aPlayer({ lostSessions: [lost(SINCE_MS, 100), lost(SINCE_MS + 6_000, 100)] })
  expect(effectsOn(snapshotsOf([...players, twice]), SINCE_MS, () => false)).toMatchObject({
    reconnected: 6,
    mostPerPlayer: 2,
    mostPerSecond: 4,
    withinMs: 6_000,
  })
})

test('gaps are given as median, 99th percentile and maximum; a gap without an end is infinite', () => {
  const players = Array.from({ length: 100 }, (_, n) => aPlayer({ lostSessions: [lost(SINCE_MS, n + 1)] }))
  expect(effectsOn(snapshotsOf(players), SINCE_MS, () => false).sessionGap).toEqual({ p50: 50, p99: 99, most: 100 })
  expect(effectOn({ lostSessions: [lost(SINCE_MS, undefined)] }).sessionGap?.most).toBe(Number.POSITIVE_INFINITY)
})

test('the delay of a room counts from the first of several sessions lost before an announcement', () => {
  const lostSessions = [{ ...lost(SINCE_MS, 100), announcedAtMs: undefined }, lost(SINCE_MS + 500, 100, 300)]
  expect(effectOn({ lostSessions })).toMatchObject({ sessionGap: { most: 100 }, roomDelay: { most: 800 } })
})
