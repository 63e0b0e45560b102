import { expect, test } from 'vitest'
import { before, effectsOn, type Memory } from './effects.ts'

const SINCE_MS = 1_000

const aPlayer = (is: Partial<Memory> = {}): Memory => ({
  tellings: [{ atMs: 0, room: 'village' }],
  absences: [],
  isConnected: true,
  room: 'village',
  kicked: 0,
  refused: 0,
  ...is,
})

const away = (lostAtMs: number, gapMs: number | undefined, toldMs = gapMs) => ({
  lostAtMs,
  code: 1012,
  backAtMs: gapMs === undefined ? undefined : lostAtMs + gapMs,
  toldAtMs: toldMs === undefined ? undefined : lostAtMs + toldMs,
  inVain: 0,
})

const told = (...rooms: string[]) => rooms.map((room, n) => ({ atMs: SINCE_MS + n, room }))

/** What happened to one player, who was in the village before. */
const effectOn = (then: Partial<Memory>, isLed = false) => {
  const player = aPlayer()
  const notes = before([player])
  Object.assign(player, then)
  return effectsOn(notes, SINCE_MS, () => isLed)
}

test('a player to whom nothing happened is counted, and that is all', () => {
  expect(effectOn({})).toMatchObject({ players: 1, failed: 0, changedIsland: 0, ledElsewhere: 0, kicked: 0, reconnected: 0 })
})

test('a player who was told the same room again did not change islands', () => {
  expect(effectOn({ tellings: told('village', 'village') })).toMatchObject({ changedIsland: 0, ledElsewhere: 0 })
})

test('a player who was in another room for a moment did', () => {
  expect(effectOn({ tellings: told('elsewhere', 'village') })).toMatchObject({ changedIsland: 1 })
})

test('a player whose slot leads to another cell was led there, once; a second room is one too many', () => {
  expect(effectOn({ tellings: told('elsewhere') }, true)).toMatchObject({ changedIsland: 0, ledElsewhere: 1 })
  expect(effectOn({ tellings: told('elsewhere', 'further') }, true)).toMatchObject({ changedIsland: 1, ledElsewhere: 0 })
})

test('a player has failed without a session, without a room, or when told to stay away', () => {
  expect(effectOn({ isConnected: false })).toMatchObject({ failed: 1 })
  expect(effectOn({ room: undefined })).toMatchObject({ failed: 1 })
  expect(effectOn({ refused: 1 })).toMatchObject({ failed: 1 })
  expect(effectOn({ kicked: 1 })).toMatchObject({ failed: 0, kicked: 1 })
})

test('what was before is not counted', () => {
  const player = aPlayer({ kicked: 1, refused: 1, absences: [away(10, 100)], tellings: [{ atMs: 0, room: 'hamlet' }] })
  expect(effectsOn(before([player]), SINCE_MS, () => false)).toMatchObject({
    failed: 0,
    changedIsland: 0,
    kicked: 0,
    reconnected: 0,
  })
})

test('sessions lost are counted by player, by second and from first to last', () => {
  const players = [0, 400, 999, 1_000, 5_000].map((at) => aPlayer({ absences: [away(SINCE_MS + at, 100)] }))
  const twice = aPlayer({ absences: [away(SINCE_MS, 100), away(SINCE_MS + 6_000, 100)] })
  expect(effectsOn(before([...players, twice]), SINCE_MS, () => false)).toMatchObject({
    reconnected: 6,
    mostPerPlayer: 2,
    mostPerSecond: 4,
    withinMs: 6_000,
  })
})

test('gaps are told by how long most of them, nearly all and the longest are; one that goes on is endless', () => {
  const players = Array.from({ length: 100 }, (_, n) => aPlayer({ absences: [away(SINCE_MS, n + 1)] }))
  expect(effectsOn(before(players), SINCE_MS, () => false).gap).toEqual({ p50: 50, p99: 99, most: 100 })
  expect(effectOn({ absences: [away(SINCE_MS, undefined)] }).gap?.most).toBe(Number.POSITIVE_INFINITY)
})

test('who loses a session before a room was told waits for it since the first loss', () => {
  const absences = [{ ...away(SINCE_MS, 100), toldAtMs: undefined }, away(SINCE_MS + 500, 100, 300)]
  expect(effectOn({ absences })).toMatchObject({ gap: { most: 100 }, told: { most: 800 } })
})
