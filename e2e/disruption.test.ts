import { afterAll, beforeAll, expect, test } from 'vitest'
import { events, LATE_SHARE } from '../testing/disruption/events.ts'
import { Party } from '../testing/disruption/player-group.ts'
import { Platform, type PlatformParts } from '../testing/disruption/platform.ts'
import { type Row, witness } from '../testing/disruption/row.ts'
import { withPart } from '../testing/parts/with-part.ts'

const MINUTES = 60_000
const PLAYERS = 50
/** Seconds are promised; a machine that is busy with other things may need more, and a player who is lost never comes back. */
const GENEROUS_MS = 30_000
const settings = { connectors: 2, natsReplicas: 3, drainSeconds: 5, playersPerMinute: 600 } as const

withPart('debian', 'a platform of a control plane and two workers', () => {
  withPart('kube', 'with real parts', (kube) => {
    withPart('nats', 'a NATS of three servers', (nats) => {
      withPart('livekit', 'a LiveKit', (livekit) => {
        withPart('postgres', 'and a PostgreSQL', (postgres) => onPlatform({ kube, nats, livekit, postgres }))
      })
    })
  })
})

function onPlatform(parts: PlatformParts): void {
  let platform: Platform
  let party: Party

  beforeAll(async () => {
    platform = await Platform.start(parts, settings, (line) => process.stderr.write(`${line}\n`))
    party = new Party(platform.aboutUrl, PLAYERS)
    await party.welcome(PLAYERS * (1 - LATE_SHARE))
  }, 5 * MINUTES)

  afterAll(async () => {
    await party?.[Symbol.asyncDispose]()
    await platform?.[Symbol.asyncDispose]()
  }, MINUTES)

  const { out, in: in_, rollout, drain, leader, connector, archipelago, nats } = events(PLAYERS)

  const unharmed = { failed: 0, changedIsland: 0, kicked: 0 }
  const isBack = ({ gap, told }: Row) => {
    expect(gap?.most ?? 0).toBeLessThan(GENEROUS_MS)
    expect(told?.most ?? 0).toBeLessThan(GENEROUS_MS)
  }

  test('scaled from 1 cell to 3: nobody notices, and newcomers are led to the new cells', { timeout: 5 * MINUTES }, async () => {
    const row = await witness(platform, party, out)
    expect(row).toMatchObject({ ...unharmed, players: PLAYERS, ledElsewhere: 0, reconnected: 0 })
    expect(new Set(party.travellers.map(({ url }) => url)).size).toBe(3)
  })

  test('scaled from 3 cells to 1: those of the two that go are led to the one that stays, by the URLs they have', {
    timeout: 5 * MINUTES,
  }, async () => {
    const guests = party.travellers.filter(({ url }) => !url.includes('/cells/0/')).length
    expect(guests).toBeGreaterThan(0)
    const row = await witness(platform, party, in_)
    expect(row).toMatchObject({ ...unharmed, ledElsewhere: guests, reconnected: guests, mostPerPlayer: 1 })
    isBack(row)
  })

  test.each([
    { event: rollout, name: rollout.name, goodbyes: PLAYERS },
    { event: leader, name: leader.name, goodbyes: 0 },
    { event: connector, name: connector.name, goodbyes: 1 },
    { event: archipelago, name: archipelago.name, goodbyes: 0 },
    { event: nats, name: nats.name, goodbyes: 0 },
    { event: drain, name: drain.name, goodbyes: 1 },
  ])('$name: everybody is in the room they were in, nobody is turned away or kicked', { timeout: 5 * MINUTES }, async (given) => {
    const row = await witness(platform, party, given.event)
    expect(row).toMatchObject({ ...unharmed, players: PLAYERS, ledElsewhere: 0 })
    expect(row.reconnected).toBeGreaterThanOrEqual(given.goodbyes)
    isBack(row)
  })
}
