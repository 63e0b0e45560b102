import { beforeEach, expect, test } from 'vitest'
import { resources } from '../../cells/kube/resources.ts'
import type { ObjectKey } from '../../crds/object.ts'
import { startOperator, writesOf } from '../../testing/apiserver/bare-operator.ts'
import { startFakeKubelet } from '../../testing/apiserver/kubelet.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { site } from '../desired/realm.fixtures.ts'
import { aRealmObserver } from '../observers/fixtures.ts'
import { Peaks } from '../observers/players/peaks.ts'
import type { CountedPlayers } from '../observers/players/player-counts.ts'

const patient = { timeout: 30_000, interval: 30 }
const WINDOW_MS = 1_000

/** Player counts which the test sets, counted every tenth of a second. */
function scriptedCounts(namespace: string) {
  const key: ObjectKey = { namespace, name: 'main' }
  const peaks = new Peaks()
  let players: ReadonlyMap<number, number> | undefined
  let isUnknown = false
  const count = () => {
    peaks.record(Date.now(), players, WINDOW_MS)
    playerCounts.notify(key)
  }
  const timer = setInterval(count, 100)
  const playerCounts = aRealmObserver<CountedPlayers>(() => ({
    bySlot: players,
    isUnknown,
    peak: peaks.over(WINDOW_MS, Date.now()),
  }))
  return {
    playerCounts,
    /** The number of players in each slot from now on. */
    come(...counts: number[]) {
      players = new Map(counts.map((number, slot) => [slot, number]))
      isUnknown = false
    },
    /** From now on the number of players is unknown. */
    lose() {
      players = undefined
      isUnknown = true
    },
    stop: async () => clearInterval(timer),
  }
}

withPart('kube', 'autoscaling by players, against a real API server', (part) => {
  const kube = useApiServer(part)
  let crowd: ReturnType<typeof scriptedCounts>
  let operator: Awaited<ReturnType<typeof startOperator>>

  const start = async () => {
    crowd = scriptedCounts(kube.namespace)
    operator = await startOperator(kube.api, kube.namespace, undefined, {
      site: { ...site, propagationMs: 300 },
      playerCounts: crowd.playerCounts,
    })
    kube.stopAfterTest(crowd.stop, operator.stop)
  }
  beforeEach(async () => {
    const kubelet = startFakeKubelet(kube.api.client(), kube.namespace)
    kube.stopAfterTest(kubelet.stop)
    await start()
  })
  const { declare, get, realmOf, kubectl } = kube
  const autoscale = {
    playersPerConnector: 100,
    connectors: { min: 1, max: 3 },
    cells: { min: 1, max: 2 },
    scaleDownAfterSeconds: 1,
  }
  const realm = { livekit: { type: 'None' }, autoscale, cells: { template: { connectors: { drainSeconds: 0 } } } }
  const connectorsOf = async (cell: string) =>
    ((await get(resources.Deployment, `${cell}-connector`))?.spec as { replicas: number } | undefined)?.replicas
  const chosen = async () => (await realmOf()).status?.autoscale
  const serving = (...names: string[]) =>
    expect
      .poll(async () => ((await realmOf()).status?.endpoints ?? []).map(({ cell, state }) => `${cell} ${state}`), patient)
      .toEqual(names.map((name) => `${name} Serving`))
  test('more players add connectors, then a cell; fewer players remove them; the spec stays as the user wrote it', async () => {
    crowd.come(20)
    await declare(realm)
    await serving('main-0')
    const { spec } = await realmOf()
    crowd.come(140)
    await expect.poll(() => connectorsOf('main-0'), patient).toBe(2)
    expect(await chosen()).toMatchObject({
      cells: 1,
      connectors: 2,
      reason: 'MorePlayers',
      message: 'main-0: 140 players of 100 for 1 connector, 2 from now on',
    })
    crowd.come(500, 0)
    await expect.poll(() => connectorsOf('main-0'), patient).toBe(3)
    await serving('main-0', 'main-1')
    expect(await connectorsOf('main-1')).toBe(1)
    crowd.come(10, 10)
    await serving('main-0')
    await expect.poll(() => connectorsOf('main-0'), { ...patient, timeout: 60_000 }).toBe(1)
    await expect.poll(chosen, patient).toMatchObject({ cells: 1, connectors: 1, reason: 'FewerPlayers' })
    expect((await realmOf()).spec).toEqual(spec)
    expect((await realmOf()).metadata.generation).toBe(1)
  }, 120_000)

  test('a stable number of players, or one that varies by a tenth, causes no write', async () => {
    crowd.come(230)
    await declare({ ...realm, autoscale: { ...autoscale, cells: { max: 1 } } })
    await expect.poll(() => connectorsOf('main-0'), patient).toBe(3)
    await operator.settled()
    const before = writesOf(operator.client)
    for (const players of [230, 207, 253, 240, 207, 253]) {
      crowd.come(players)
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
    expect(writesOf(operator.client)).toBe(before)
  })

  test('a restarted operator keeps the numbers it finds until it has counted the players', async () => {
    crowd.come(800, 800)
    await declare(realm)
    await serving('main-0', 'main-1')
    await expect.poll(() => connectorsOf('main-1'), patient).toBe(3)
    await crowd.stop()
    await operator.stop()
    const before = await chosen()
    await start()
    await operator.settled()
    expect(await chosen()).toEqual(before)
    crowd.lose()
    await expect.poll(chosen, patient).toMatchObject({ cells: 2, connectors: 6, reason: 'PlayersUnknown' })
    expect([await connectorsOf('main-0'), await connectorsOf('main-1')]).toEqual([3, 3])
    crowd.come(190, 190)
    await expect.poll(chosen, patient).toMatchObject({ cells: 2, connectors: 6, reason: 'Settled' })
  })

  test('a client that scales the connectors of a cell keeps them; 0 cells hibernate the realm, any other number does not count', async () => {
    crowd.come(20)
    await declare({ ...realm, autoscale: { ...autoscale, cells: { max: 1 } } })
    await serving('main-0')
    await kubectl('scale commscell main-0 --replicas=5')
    await expect.poll(() => connectorsOf('main-0'), patient).toBe(5)
    await kubectl('scale realm main --replicas=3')
    await operator.settled()
    await serving('main-0')
    expect([await connectorsOf('main-0'), (await realmOf()).status?.replicas]).toEqual([5, 1])
    await kubectl('scale realm main --replicas=0')
    await expect.poll(chosen, patient).toMatchObject({ cells: 0, reason: 'Hibernated' })
    await serving()
  })

  test('bounds that contradict each other or cells.max are refused', async () => {
    const wrong = (changes: object) => declare({ livekit: { type: 'None' }, autoscale: { ...autoscale, ...changes } })
    await expect(wrong({ connectors: { min: 3, max: 2 } })).rejects.toThrow(/connectors.min may not exceed/)
    await expect(wrong({ cells: { min: 3, max: 2 } })).rejects.toThrow(/cells.min may not exceed/)
    await expect(wrong({ cells: { max: 5 } })).rejects.toThrow(/autoscale.cells.max may not exceed cells.max/)
  })
})
