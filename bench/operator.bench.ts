import { systemClock } from '../cells/chassis/clock.ts'
import { silentLog } from '../cells/chassis/log.ts'
import type { Realm } from '../crds/realm.ts'
import { cellObjects, realmObjects } from '../operator/desired/manifests/objects.ts'
import { planCell, planRealm } from '../operator/desired/plan.ts'
import { aRealm, aServingCell, platform, site } from '../operator/desired/realm.fixtures.ts'
import { laptopSite } from '../operator/desired/site.ts'
import { cellStatus } from '../operator/desired/status/cell-status.ts'
import { realmStatus } from '../operator/desired/status/realm-status.ts'
import { LocalCluster } from '../operator/local/local-cluster.ts'
import type { LocalRuntime, RunningPart } from '../operator/local/runtime.ts'
import { alwaysServing } from '../operator/observers/fixtures.ts'
import { startReconcilers } from '../operator/reconcile/loop.ts'
import { lookUp } from '../testing/parts/catalogue.ts'
import type { Figure } from './figure.ts'
import { clusterFigures } from './operator-cluster.ts'

export const name = 'operator'

/** The speed of rendering alone, and of whole passes that find nothing to do. */
export async function run(report: (figure: Figure) => void): Promise<void> {
  report({ what: 'render a realm and its cell', value: renderRate(), unit: 'realms/s', note: 'plan, 20 objects, both statuses' })
  report({ what: 'no-op passes, local cluster', value: await passRate(), unit: 'passes/s', note: 'queue, plan, compare, status' })
  const kube = lookUp('kube')
  if ('path' in kube) await clusterFigures(kube.path, report)
  else report({ what: 'against an API server', value: 0, unit: 'figures', note: kube.missing })
}

function renderRate(): number {
  const realm = aRealm()
  const cell = aServingCell(realm)
  const observed = { cells: [cell], services: [] }
  const publication = { state: 'serving', aboutUrl: 'http://realm-provider/main/about' } as const
  return rateOf(() => {
    const plan = planRealm(realm, observed, site)
    const cellPlan = planCell(cell)
    const objects = realmObjects(realm, plan, platform).length + cellObjects(cell, cellPlan, platform).length
    const now = 1_760_000_000_000
    const status = realmStatus({ realm, plan, observed, urls: site.urls(realm), publication, failure: undefined, now })
    const ofCell = cellStatus({
      cell,
      observed: { connectors: undefined, archipelago: undefined },
      failure: undefined,
      now,
    })
    if (objects < 15 || !status.conditions || !ofCell.conditions) throw new Error('nothing was rendered')
  })
}

async function passRate(): Promise<number> {
  const cluster = new LocalCluster({ runtime: idleRuntime, clock: systemClock, log: silentLog })
  let enqueue = (_: Realm) => {}
  const addListener = cluster.onChange.bind(cluster)
  cluster.onChange = (listener) => {
    enqueue = (realm) => listener('Realm', realm.metadata)
    return addListener(listener)
  }
  const site = laptopSite({ publicUrl: 'http://127.0.0.1:3000', localUrl: 'http://127.0.0.1:3000', livekit: () => undefined })
  const loop = startReconcilers({ cluster, site, publication: alwaysServing, clock: systemClock, log: silentLog })
  const realms = Array.from({ length: 100 }, (_, index) => {
    const realm = aRealm()
    return { ...realm, metadata: { ...realm.metadata, name: `realm-${index}` } }
  })
  for (const realm of realms) cluster.declare(realm)
  await settled(loop)
  const startedAt = performance.now()
  let passes = 0
  while (performance.now() - startedAt < 1000) {
    for (const realm of realms) enqueue(realm)
    await settled(loop)
    passes += realms.length
  }
  const rate = passes / ((performance.now() - startedAt) / 1000)
  await loop.stop()
  await cluster.stop()
  return rate
}

const settled = async (loop: { idle: boolean }): Promise<void> => {
  while (!loop.idle) await new Promise(setImmediate)
}

const part = { readiness: () => ({ ready: true }) as const, update: async () => true, stop: async () => {} }
const idleRuntime: LocalRuntime = {
  startCell: async (): Promise<RunningPart<never>> => part,
  startService: async (): Promise<RunningPart<never>> => part,
  route: () => {},
}

function rateOf(work: () => void): number {
  for (let warmUp = 0; warmUp < 2000; warmUp++) work()
  const startedAt = performance.now()
  let rounds = 0
  while (performance.now() - startedAt < 1000) {
    work()
    rounds++
  }
  return rounds / ((performance.now() - startedAt) / 1000)
}
