import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Event, events, LATE_SHARE } from '../testing/disruption/events.ts'
import { Platform, type PlatformParts } from '../testing/disruption/platform.ts'
import { PlayerGroup } from '../testing/disruption/player-group.ts'
import { measureEvent, type Row } from '../testing/disruption/row.ts'
import { withPart } from '../testing/parts/with-part.ts'

const MINUTES = 60_000
const PLAYERS = 200
/** The documentation promises seconds. A busy machine may need more; a player who is lost never reconnects, however long the limit. */
const GENEROUS_MS = 30_000
/** Two counts of players are within this time, so that new players are sent to every cell. */
const ADD_MS = 10_000
const settings = { connectors: 2, natsReplicas: 3, drainSeconds: 5, playersPerMinute: 600, flushMs: 1_000 } as const

withPart('debian', 'a cluster of a control plane and two workers', () => {
  withPart('kube', 'of a real Kubernetes', (kube) => {
    withPart('nats', 'with a NATS of three servers', (nats) => {
      withPart('livekit', 'with a LiveKit', (livekit) => {
        withPart('postgres', 'with a PostgreSQL', (postgres) => onPlatform({ kube, nats, livekit, postgres }))
      })
    })
  })
})

function onPlatform(parts: PlatformParts): void {
  let platform: Platform
  let group: PlayerGroup

  beforeAll(async () => {
    platform = await Platform.start(parts, settings, (line) => process.stderr.write(`${line}\n`))
    group = new PlayerGroup(platform.aboutUrl, PLAYERS)
    await group.add(PLAYERS * (1 - LATE_SHARE), ADD_MS)
  }, 5 * MINUTES)

  afterAll(async () => {
    await group?.[Symbol.asyncDispose]()
    await platform?.[Symbol.asyncDispose]()
  }, 3 * MINUTES)

  const {
    out,
    in: scaledIn,
    upgrade,
    rollout,
    downgrade,
    drain,
    leader,
    connector,
    archipelago,
    nats,
    compact,
  } = events(PLAYERS, ADD_MS)

  const unaffected = { failed: 0, changedIsland: 0, kicked: 0 }
  const expectReconnected = ({ sessionGap, roomDelay }: Row) => {
    expect(sessionGap?.most ?? 0).toBeLessThan(GENEROUS_MS)
    expect(roomDelay?.most ?? 0).toBeLessThan(GENEROUS_MS)
  }

  test('scaled from 1 cell to 3: connected players are not affected, and new players are sent to the new cells', {
    timeout: 5 * MINUTES,
  }, async () => {
    const row = await measureEvent(platform, group, out)
    expect(row).toMatchObject({ ...unaffected, players: PLAYERS, changedCell: 0, reconnected: 0 })
    expect(new Set(group.players.map(({ url }) => url)).size).toBe(3)
  })

  test('scaled from 3 cells to 1: the URLs of the two removed cells are routed to the cell that remains', {
    timeout: 5 * MINUTES,
  }, async () => {
    const moved = group.players.filter(({ url }) => !url.includes('/cells/0/')).length
    expect(moved).toBeGreaterThan(0)
    const row = await measureEvent(platform, group, scaledIn)
    expect(row).toMatchObject({ ...unaffected, changedCell: moved, reconnected: moved, mostPerPlayer: 1 })
    expectReconnected(row)
  })

  /** Another build of the operator that rendered pod templates differently would restart pods. */
  const expectUnnoticed = async (event: Event) => {
    const before = await platform.restarts()
    const row = await measureEvent(platform, group, event)
    expect(row).toMatchObject({ ...unaffected, players: PLAYERS, changedCell: 0, reconnected: 0 })
    expect(await platform.restarts()).toEqual(before)
  }

  test(
    'operator and provider upgraded, and the image of NATS: no player is disconnected and no pod of the realm restarts',
    {
      timeout: 5 * MINUTES,
    },
    () => expectUnnoticed(upgrade),
  )

  test.each([
    { event: rollout, name: rollout.name, disconnected: PLAYERS },
    { event: leader, name: leader.name, disconnected: 0 },
    { event: connector, name: connector.name, disconnected: 1 },
    { event: archipelago, name: archipelago.name, disconnected: 0 },
    { event: nats, name: nats.name, disconnected: 0 },
    { event: drain, name: drain.name, disconnected: 1 },
    { event: compact, name: compact.name, disconnected: PLAYERS },
  ])(
    '$name: every player is in the same room as before, none is refused or kicked',
    { timeout: 5 * MINUTES },
    async ({ event, disconnected }) => {
      const row = await measureEvent(platform, group, event)
      expect(row).toMatchObject({ ...unaffected, players: PLAYERS, changedCell: 0 })
      expect(row.reconnected).toBeGreaterThanOrEqual(disconnected)
      expectReconnected(row)
    },
  )

  test(
    'operator and provider back at the release before: no player is disconnected and no pod of the realm restarts',
    {
      timeout: 5 * MINUTES,
    },
    () => expectUnnoticed(downgrade),
  )
}
