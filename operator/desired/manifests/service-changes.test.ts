import type { V1PodTemplateSpec } from '@kubernetes/client-node'
import { expect, test } from 'vitest'
import type { CommsCell, Realm } from '../../../crds/realm.ts'
import type { Component, ObservedRealm, Workload } from '../../observed/workload.ts'
import { COMPONENT_LABEL, IMAGE_ANNOTATION, TEMPLATE_ANNOTATION } from '../naming.ts'
import { planCell, planRealm } from '../plan.ts'
import type { Platform } from '../platform.ts'
import { aCell, aRealm, aServingCell, platform, site } from '../realm.fixtures.ts'
import type { ServicesHold } from '../rollout/services-hold.ts'
import type { KubeManifest } from './kube-manifest.ts'
import { cellObjects, realmObjects } from './objects.ts'
import { serviceChanges } from './service-changes.ts'

const MIRROR: Platform = {
  ...platform,
  imageRepository: 'mirror.example.org/realm',
  natsImage: 'mirror.example.org/nats:2.13',
  livekitImage: 'mirror.example.org/livekit:v2',
  imagePullPolicy: 'Always',
}
const external = { replicas: 1, database: { type: 'External', secret: { name: 'postgres', key: 'url' } } } as const
const declared = aRealm({ livekit: { type: 'Managed' }, gatekeeper: external })
const withVersion = (version: string): Realm => ({ ...declared, spec: { ...declared.spec, version } })
const COMPONENTS: Component[] = ['nats', 'livekit', 'migration', 'gatekeeper', 'stats']

type Made = KubeManifest & { spec: { template: V1PodTemplateSpec } }
const workloadsIn = (manifests: readonly KubeManifest[]) => manifests.filter((made): made is Made => 'template' in specOf(made))
const specOf = (manifest: KubeManifest): object => (manifest as { spec?: object }).spec ?? {}
const componentOf = ({ metadata }: KubeManifest) => metadata.labels?.[COMPONENT_LABEL] as Component
const imagesIn = (manifests: readonly KubeManifest[]) =>
  Object.fromEntries(
    workloadsIn(manifests).map((made) => [componentOf(made), made.spec.template.spec?.containers.map(({ image }) => image)[0]]),
  )

/** The workloads of these manifests, running. */
const running = (manifests: readonly KubeManifest[], changes: Partial<Record<Component, Partial<Workload>>> = {}): Workload[] =>
  workloadsIn(manifests).map((made) => {
    const { annotations = {} } = made.metadata
    const component = componentOf(made)
    return {
      ...{ component, desired: 1, current: 1, updated: 1, ready: 1, existing: 1 },
      template: annotations[TEMPLATE_ANNOTATION],
      image: JSON.parse(annotations[IMAGE_ANNOTATION] ?? 'null'),
      ...changes[component],
    }
  })

const render = (realm: Realm, observed: Partial<ObservedRealm>, installation = platform) => {
  const seen = { cells: [], services: [], ...observed }
  return realmObjects(realm, planRealm(realm, seen, site), installation)
}
const before = render(declared, {})
const changesOf = (
  realm: Realm,
  hold?: ServicesHold,
  changes: Parameters<typeof running>[1] = {},
  services = running(before, changes),
) => {
  const { held, manifests } = serviceChanges(render(realm, { services }, platform), services, hold)
  return { held, applied: workloadsIn(manifests).map(componentOf) }
}
const pods: Realm = { ...declared, spec: { ...declared.spec, pods: { labels: { team: 'a' } } } }

test('other images of the installation change no pod template of a realm or a cell', () => {
  const services = running(before)
  expect(workloadsIn(before).map(componentOf)).toEqual(COMPONENTS)
  expect(render(declared, { services }, MIRROR)).toEqual(before)
  const cell = aCell(declared)
  const objects = cellObjects(cell, planCell(cell), platform)
  const [archipelago, connectors] = running(objects)
  expect(cellObjects(cell, planCell(cell, { archipelago, connectors }), MIRROR)).toEqual(objects)
})

test('another version takes the images of the installation: its own from the cell that is proven, those of servers from the chart', () => {
  const realm = withVersion('2.0.0')
  const cell: CommsCell = aServingCell(realm)
  const proven = { version: '2.0.0', image: 'proven.example.org/realm', pullPolicy: 'IfNotPresent' } as const
  const observed = { services: running(before), cells: [cell], images: new Map([[cell.metadata.name, proven]]) }
  expect(imagesIn(render(realm, observed, MIRROR))).toEqual({
    nats: 'mirror.example.org/nats:2.13',
    livekit: 'mirror.example.org/livekit:v2',
    migration: 'proven.example.org/realm:2.0.0',
    gatekeeper: 'proven.example.org/realm:2.0.0',
    stats: 'proven.example.org/realm:2.0.0',
  })
})

test('a workload whose image is missing takes the images of the installation at once', () => {
  const problem = { code: 'PodsFailing', message: 'the image cannot be pulled', isImageMissing: true } as const
  const services = running(before, { stats: { ready: 0, updated: 0, problem } })
  expect(imagesIn(render(declared, { services }, MIRROR))).toMatchObject({
    stats: 'mirror.example.org/realm:1.2.3',
    gatekeeper: 'ghcr.io/example/realm:1.2.3',
  })
})

test('while changes wait, every service whose pods would be replaced is left out', () => {
  for (const hold of ['RolloutPaused', 'AwaitingPromotion', 'AwaitingFirstCell'] as const) {
    expect(changesOf(pods, hold)).toEqual({ held: COMPONENTS, applied: [] })
    expect(changesOf(withVersion('2.0.0'), hold).held).toEqual(['migration', 'gatekeeper', 'stats'])
    expect(changesOf(declared, hold)).toEqual({ held: [], applied: COMPONENTS })
  }
})

test('a service that does not exist yet is created at once, a migration only with its gatekeeper', () => {
  const without = (...components: Component[]) => running(before).filter(({ component }) => !components.includes(component))
  expect(changesOf(pods, 'AwaitingFirstCell', {}, without('stats')).applied).toEqual(['stats'])
  expect(changesOf(pods, 'AwaitingFirstCell', {}, without('migration')).held).toContain('migration')
  expect(changesOf(pods, 'RolloutPaused', {}, []).applied).toEqual(COMPONENTS)
})

test('a NATS without a ready pod is changed at once, because no cell can prove anything without it, but not while paused', () => {
  const isDown = { nats: { ready: 0, updated: 0 } }
  expect(changesOf(pods, 'AwaitingFirstCell', isDown).applied).toEqual(['nats'])
  expect(changesOf(pods, 'RolloutPaused', isDown).applied).toEqual([])
})

test('services change one after the other, each once the pods of those before it are ready', () => {
  const after = render(pods, {})
  const order: Component[][] = []
  let services = running(before)
  for (let i = 0; i < COMPONENTS.length; i++) {
    const { manifests, held } = serviceChanges(after, services, undefined)
    const changed = workloadsIn(manifests).filter(
      ({ metadata }) => !services.some(({ template }) => template === metadata.annotations?.[TEMPLATE_ANNOTATION]),
    )
    order.push(changed.map(componentOf))
    expect(held).toEqual(COMPONENTS.slice(i + 1))
    const [next] = order.flat().slice(-1)
    if (!next) throw new Error('nothing changed')
    const isStarting = { [next]: { ready: 0, updated: 0 } }
    const one = (manifest: KubeManifest) => componentOf(manifest) === next
    const others = services.filter(({ component }) => component !== next)
    expect(serviceChanges(after, [...others, ...running(after.filter(one), isStarting)], undefined).held).toEqual(held)
    services = [...others, ...running(after.filter(one))]
  }
  expect(order).toEqual(COMPONENTS.map((component) => [component]))
})

test('a service that does not start holds back those after it, and is corrected at once', () => {
  const after = render(pods, {})
  const broken = [
    ...running(before).filter(({ component }) => component !== 'gatekeeper'),
    ...running(after, { gatekeeper: { ready: 0, updated: 0 } }).filter(({ component }) => component === 'gatekeeper'),
  ]
  const corrected = serviceChanges(before, broken, undefined)
  expect(corrected.held).toEqual([])
})
