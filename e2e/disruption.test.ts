import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { OPERATOR_NAMESPACE } from '../testing/cluster/product.ts'
import { REALMS_NAMESPACE } from '../testing/cluster/realm.ts'
import { type Event, events, LATE_SHARE } from '../testing/disruption/events.ts'
import { Monitoring } from '../testing/disruption/monitoring.ts'
import { Platform, type PlatformParts } from '../testing/disruption/platform.ts'
import { PlayerGroup } from '../testing/disruption/player-group.ts'
import { measureEvent, type Row } from '../testing/disruption/row.ts'
import { withPart } from '../testing/parts/with-part.ts'
import { namesIn } from '../testing/promql.ts'
import { dashboards } from '../tools/generate-docs/dashboards/dashboards.ts'

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
        withPart('postgres', 'with a PostgreSQL', (postgres) => {
          withPart('prometheus', 'with a Prometheus', (prometheus) => onPlatform({ kube, nats, livekit, postgres }, prometheus))
        })
      })
    })
  })
})

function onPlatform(parts: PlatformParts, prometheus: string): void {
  let platform: Platform
  let monitoring: Monitoring
  let group: PlayerGroup

  beforeAll(async () => {
    platform = await Platform.start(parts, settings, (line) => process.stderr.write(`${line}\n`))
    monitoring = await Monitoring.start(prometheus, platform.cluster)
    group = new PlayerGroup(platform.aboutUrl, PLAYERS)
    await group.add(PLAYERS * (1 - LATE_SHARE), ADD_MS)
  }, 5 * MINUTES)

  afterAll(async () => {
    await group?.[Symbol.asyncDispose]()
    await monitoring?.[Symbol.asyncDispose]()
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

  test('none of that is an alert, and the dashboards show all that there is', { timeout: 2 * MINUTES }, async () => {
    expect(await monitoring.fired()).toEqual([])
    const served = new Set(await monitoring.metrics())
    const panels = dashboards.flatMap(({ title, rows }) =>
      rows.flatMap(({ panels }) => panels.map((panel) => ({ ...panel, title: `${title}: ${panel.title}` }))),
    )
    const emptyPanels = async () => {
      const empty: string[] = []
      for (const { title, queries } of panels) {
        const exprs = Object.values(queries)
        const filled = exprs.map((expr) => expr.replaceAll(/\$(?:namespace|realm)/g, '.*').replaceAll('$__rate_interval', '10m'))
        const answers = await Promise.all(filled.map((expr) => monitoring.query(expr)))
        const isServed = exprs.some((expr) => namesIn(expr).metrics.every((name) => served.has(name)))
        if (isServed && answers.every(({ length }) => length === 0)) empty.push(title)
      }
      return empty.toSorted()
    }
    // Those are about troubles. An operator that has just started has seen no event yet.
    const troubles = ['Alerts', 'Bugs', 'Conditions that are not True'].map((title) => `Realms / Fleet: ${title}`)
    await vi.waitFor(async () => expect(await emptyPanels()).toEqual(troubles), { timeout: 90_000, interval: 1_000 })
  })

  test('what is gone for longer is an alert: the operator, the realm provider, NATS', { timeout: 3 * MINUTES }, async () => {
    const { cluster } = platform
    const none = (kind: string, namespace: string) => cluster.kubectl('scale', kind, '--all', '--replicas=0', '-n', namespace)
    await none('deployment', OPERATOR_NAMESPACE)
    // While there is an operator, it restores a NATS that was scaled by hand.
    await cluster.kubectl(
      'wait',
      '--for=delete',
      'pod',
      '-l',
      'app.kubernetes.io/name=operator',
      '-n',
      OPERATOR_NAMESPACE,
      '--timeout=60s',
    )
    await none('statefulset', REALMS_NAMESPACE)
    const expected = ['RealmBusUnreachable', 'RealmOperatorDown', 'RealmProviderDown']
    const seen = async () => expect(await monitoring.firing()).toEqual(expect.arrayContaining(expected))
    await vi.waitFor(seen, { timeout: 90_000, interval: 500 })
  })
}
