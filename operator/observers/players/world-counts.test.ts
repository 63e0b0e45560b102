import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import type { FetchResult } from '../../../cells/chassis/fetch-json.ts'
import { silentLog } from '../../../cells/chassis/log.ts'
import { aRealm, site } from '../../desired/realm.fixtures.ts'
import { PlayerCounts } from './player-counts.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('the gatekeeper of a world is asked every second until it serves the world, and every ten seconds from then on', async (t) => {
  const clock = new ManualClock()
  const asked: string[] = []
  let cells: unknown[] = []
  const fetch = async (url: string): Promise<FetchResult> => {
    asked.push(url)
    return { ok: true, status: 200, body: { cells } }
  }
  const counts = new PlayerCounts({ statsUrlOf: site.statsUrl, clock, log: silentLog, fetch, random: () => 0.5 })
  t.onTestFinished(() => counts.stop())
  const changes: unknown[] = []
  counts.onChange((realm) => changes.push(realm))
  const scenes = ['urn:decentraland:entity:bafk']
  const world = aRealm({ mode: 'World', world: { scenes, access: { type: 'Public' }, capacity: 1, gatekeeperOf: 'host' } })
  counts.watch(world)
  for (let n = 0; n < 3; n++) {
    clock.advance(1_200)
    await settled()
  }
  expect(new Set(asked)).toEqual(new Set(['http://host-gatekeeper.metaverse.svc.cluster.local/worlds/main/cells']))
  expect(asked.length).toBeGreaterThan(1)
  expect(counts.get(world.metadata)?.bySlot?.has(0)).toBe(false)
  cells = [{ slot: 0, healthy: true, userCount: 3 }]
  clock.advance(1_200)
  await settled()
  expect(counts.get(world.metadata)?.bySlot?.get(0)).toBe(3)
  expect(changes.length).toBeGreaterThan(0)
  const before = asked.length
  clock.advance(5_000)
  await settled()
  expect(asked.length).toBe(before)
})
