import { fileURLToPath } from 'node:url'
import { silentLog } from '../cells/chassis/log.ts'
import type { KubeClient } from '../cells/kube/kube-client.ts'
import type { KubeObject } from '../cells/kube/kube-object.ts'
import { createReflector, type Reflector } from '../cells/kube/reflector.ts'
import { collectionPath, resources } from '../cells/kube/resources.ts'
import { API_VERSION, conditionOf, type Realm } from '../crds/realm.ts'
import { realmResource } from '../crds/resources.ts'
import { startApiServer } from '../testing/apiserver/apiserver.ts'
import { startControllers } from '../testing/apiserver/controllers.ts'
import { startFakeKubelet } from '../testing/apiserver/kubelet.ts'
import { lookUp } from '../testing/parts/catalogue.ts'
import type { Figure } from './figure.ts'
import type { Held } from './heap-page.ts'
import {
  atRest,
  buildOperator,
  freePort,
  type OperatorProcess,
  serviceAccountFiles,
  startOperatorProcess,
  until,
} from './operator-process.ts'
import { startProvider } from './watching-provider.ts'

export const name = 'operator-soak'
const SECONDS = Number(process.env.BENCH_SOAK_SECONDS ?? 180)
const NAMESPACE = 'soak'
/** Realms that exist at the same time. */
const PARALLEL = 12
/** The first realms fill what is kept on purpose: connections, compiled code, buckets. */
const WARM_UP = 0.2
/** More than this from the first to the last measurement is growth; less is noise of the heap. */
const TOLERANCE = 0.05
const TOLERANCE_MB = 1

/** Creates, scales, replaces and deletes realms for a given time, and measures what the operator keeps in memory. */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const kube = lookUp('kube')
  if (!('path' in kube)) {
    report({ what: 'against an API server', value: 0, unit: 'figures', note: kube.missing })
    return
  }
  await buildOperator()
  const api = await startApiServer(kube.path)
  // Stands in for the garbage collector.
  const collector = startControllers(kube.path, api, ['garbage-collector-controller'])
  const user = api.client()
  await user.create(resources.Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } })
  const account = await serviceAccountFiles(api, NAMESPACE)
  const provider = await startProvider(api.client(), NAMESPACE)
  const kubelet = startFakeKubelet(api.client(), NAMESPACE)
  const realms = createReflector<Realm & KubeObject>({
    client: user,
    path: collectionPath(realmResource, NAMESPACE),
    project: (live) => live,
    onChange: () => {},
    log: silentLog,
  })
  realms.start()
  const port = await freePort()
  const operator = await startOperatorProcess(
    {
      ...account.env,
      HEAP_PAGE_PORT: String(port),
      IMAGE_REPOSITORY: 'ghcr.io/example/realm',
      PROVIDER_URL: provider.url,
      WATCH_NAMESPACES: NAMESPACE,
      LEASE_NAMESPACE: NAMESPACE,
    },
    ['--optimize-for-size', '--expose-gc', '--no-warnings', '--import', fileURLToPath(new URL('heap-page.ts', import.meta.url))],
  )
  try {
    await soak({ user, realms, operator, heapPage: `http://127.0.0.1:${port}` }, report)
  } finally {
    await operator.stop()
    for (const part of [realms, kubelet, provider, account, collector, api]) await part.stop()
  }
}

interface World {
  user: KubeClient
  realms: Reflector<Realm & KubeObject>
  operator: OperatorProcess
  heapPage: string
}

async function soak(world: World, report: (figure: Figure) => void): Promise<void> {
  const { user, operator, heapPage } = world
  let lives = 0
  const live = async (seconds: number) => {
    const end = Date.now() + seconds * 1000
    const one = async () => {
      while (Date.now() < end) await aLife(world, `realm-${lives++}`)
    }
    await Promise.all(Array.from({ length: PARALLEL }, one))
    const services = collectionPath(resources.Service, NAMESPACE)
    await until(async () => (await user.list(services, {})).items.length === 0)
    await atRest(operator)
    return (await (await fetch(heapPage)).json()) as Held
  }
  const start = await live(SECONDS * WARM_UP)
  const middle = await live((SECONDS * (1 - WARM_UP)) / 2)
  const livesThen = lives
  const end = await live((SECONDS * (1 - WARM_UP)) / 2)
  const held = [start, middle, end]

  report({ what: 'realms made, scaled, replaced and deleted', value: lives, unit: 'realms', note: `in ${SECONDS} s` })
  for (const [what, of, isJudged] of [
    ['heap after collection', ({ heapMb }: Held) => heapMb, true],
    ['resident memory', ({ rssMb }: Held) => rssMb, false],
    ['handles', ({ handles }: Held) => sum(handles), true],
    ['living Maps, Sets, Promises and AbortSignals', ({ objects }: Held) => sum(objects), true],
  ] as const) {
    const [first = 0, , last = 0] = held.map(of)
    const grows = last > first * (1 + TOLERANCE) + TOLERANCE_MB
    const verdict = isJudged ? `; ${grows ? `GROWS over ${lives - livesThen} realms` : 'no growth'}` : ''
    const unit = what.includes('memory') || what.includes('heap') ? 'MB' : ''
    const all = held.map((each) => of(each).toFixed(unit ? 1 : 0)).join(', ')
    report({ what, value: last, unit, note: `start, middle, end: ${all}${verdict}` })
  }
  report({ what: 'keys waiting', value: await operator.metric('queue_depth'), unit: 'keys', note: 'and no realm or cell known' })
  const known = (await operator.metric('realms')) + (await operator.metric('cells'))
  if (known > 0) throw new Error(`the operator still knows ${known} realms and cells`)
}

/** From the creation of a realm to the removal of its last endpoint. */
async function aLife({ user, realms }: World, realm: string): Promise<void> {
  const key = { namespace: NAMESPACE, name: realm }
  const declare = (version: string, replicas: number) =>
    user.apply<KubeObject & { spec: object }>(
      realmResource,
      {
        apiVersion: API_VERSION,
        kind: 'Realm',
        metadata: key,
        spec: {
          version,
          cells: { replicas },
          livekit: { url: 'ws://127.0.0.1:9', credentials: { secretName: 'livekit' } },
          exposure: { type: 'Ingress', host: `${realm}.example.org` },
          rollout: { joinProbe: 'None' },
        },
      },
      { fieldManager: 'kubectl', force: true },
    )
  const settled = (replicas: number) =>
    until(() => {
      const seen = realms.get(key)
      const { endpoints = [], updatedReplicas } = seen?.status ?? {}
      const serving = endpoints.filter(({ state }) => state === 'Serving').length
      const isPublished = conditionOf(seen ?? {}, 'Published')?.status === 'True'
      return isPublished && endpoints.length === replicas && serving === replicas && updatedReplicas === replicas
    })
  await declare('1.0.0', 1)
  await settled(1)
  await declare('1.0.0', 2)
  await settled(2)
  await declare('2.0.0', 2)
  await settled(2)
  await declare('2.0.0', 1)
  await settled(1)
  await user.remove(realmResource, key)
}

const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((total, count) => total + count, 0)
