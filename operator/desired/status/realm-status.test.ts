import { expect, test } from 'vitest'
import { type CommsCell, conditionOf, type Realm } from '../../../crds/realm.ts'
import type { PublicationStatus } from '../../observed/publication-status.ts'
import type { ObservedRealm, Workload } from '../../observed/workload.ts'
import { relayOf } from '../movement.ts'
import { planRealm } from '../plan.ts'
import { aRealm, aServingCell, site } from '../realm.fixtures.ts'
import type { Failure } from './conditions.ts'
import { realmStatus } from './realm-status.ts'

const aboutUrl = 'http://realm-provider/main/about'
const served: PublicationStatus = { state: 'serving', aboutUrl }
const notAsked: PublicationStatus = { state: 'unknown', aboutUrl }
const now = Date.parse('2026-11-21T08:00:00.123Z')

const workload = (component: Workload['component'], ready = 1): Workload => ({
  component,
  desired: 1,
  current: 1,
  updated: 1,
  ready,
  existing: 1,
})
const allServices = [workload('nats'), workload('gatekeeper'), workload('stats')]
const working = (realm = aRealm()): ObservedRealm => ({
  cells: Array.from({ length: realm.spec.cells.replicas }, (_, slot) => aServingCell(realm, slot)),
  services: allServices,
})

interface Given {
  realm?: Realm
  observed?: Partial<ObservedRealm>
  publication?: PublicationStatus
  failure?: Failure
  at?: number
}
function statusOf({ realm = aRealm(), observed, publication = served, failure, at = now }: Given = {}) {
  const seen = { ...working(realm), ...observed }
  const plan = planRealm(realm, seen, site)
  return realmStatus({ realm, plan, observed: seen, urls: site.urls(realm), publication, failure, now: at })
}
const conditions = (given: Given) =>
  Object.fromEntries(statusOf(given).conditions?.map(({ type, status, reason }) => [type, `${status} ${reason}`]) ?? [])

test('the description of a realm is at its host, but not at one that another realm has', () => {
  const realm = aRealm({ exposure: { type: 'Ingress', host: 'main.example.org' } })
  expect(statusOf({ realm }).urls?.about).toBe('http://main.example.org/about')
  const addressTakenBy = { namespace: 'other', name: 'main' }
  expect(statusOf({ realm, observed: { addressTakenBy } }).urls?.about).toBe(aboutUrl)
})

test('a realm that works and is served by its provider is ready, published, accepting players and settled', () => {
  expect(statusOf()).toMatchObject({
    observedGeneration: 1,
    replicas: 1,
    readyReplicas: 1,
    updatedReplicas: 1,
    selector: 'comms.decentraland.org/realm=main,app.kubernetes.io/component=connector,comms.decentraland.org/cell in (main-0)',
    urls: { about: aboutUrl, gatekeeper: expect.stringContaining('/gatekeeper'), stats: expect.stringContaining('/stats') },
    endpoints: [
      {
        slot: 0,
        adapter: 'archipelago:archipelago:ws://main-slot-0.metaverse.svc.cluster.local/cells/0/ws',
        cell: 'main-0',
        state: 'Serving',
      },
    ],
  })
  expect(conditions({})).toEqual({
    Ready: 'True AllServing',
    Published: 'True ServedByProvider',
    AcceptingPlayers: 'True CellsServing',
    ExplorersSupported: 'False InsideClusterOnly',
    MovementReachable: 'False NotConfigured',
    Progressing: 'False Settled',
    Reconciling: 'False Settled',
    Stalled: 'False NotStalled',
  })
})

test('the first status of a new realm has all its conditions and its starting endpoints', () => {
  expect(conditions({ observed: { cells: [], services: [] }, publication: notAsked })).toEqual({
    Ready: 'False CellsNotReady',
    Published: 'False NothingToPublish',
    AcceptingPlayers: 'False NoCellServing',
    ExplorersSupported: 'False InsideClusterOnly',
    MovementReachable: 'False NotConfigured',
    Progressing: 'True CellsStarting',
    Reconciling: 'True CellsStarting',
    Stalled: 'False NotStalled',
  })
  expect(statusOf({ observed: { cells: [], services: [] } })).toMatchObject({ replicas: 1, endpoints: [{ state: 'Starting' }] })
})

test('a serving realm is published only once its provider serves it', () => {
  expect(conditions({ publication: notAsked })).toMatchObject({ Ready: 'True AllServing', Published: 'False WaitingForProvider' })
  expect(conditions({ publication: notAsked })).toMatchObject({ Progressing: 'True WaitingForPublication' })
  expect(conditions({ publication: { state: 'absent', aboutUrl } })).toMatchObject({ Published: 'False WaitingForProvider' })
  expect(conditions({ publication: { state: 'unreachable', aboutUrl, message: 'refused' } })).toMatchObject({
    Published: 'Unknown ProviderUnreachable',
  })
})

test('a taken name stalls the realm, because only a user can free the name', () => {
  expect(conditions({ publication: { state: 'taken', aboutUrl, adapter: 'wss://other' } })).toMatchObject({
    Published: 'False NameTaken',
    Stalled: 'True NameTaken',
    Progressing: 'False Stalled',
    Reconciling: 'False Stalled',
    AcceptingPlayers: 'True CellsServing',
  })
})

test('an operator process that has not asked the provider yet keeps the last status', () => {
  const realm = { ...aRealm(), status: statusOf() }
  expect(statusOf({ realm, publication: notAsked, at: now + 60_000 })).toEqual(realm.status)
  const waiting = { ...aRealm(), status: statusOf({ publication: notAsked }) }
  expect(conditions({ realm: waiting, publication: notAsked })).toMatchObject({ Published: 'False WaitingForProvider' })
})

test('a cell that served and no longer does is unhealthy, one that never did is starting', () => {
  const broken: CommsCell = aServingCell(aRealm(), 0, 'False')
  expect(statusOf({ observed: { cells: [broken] } }).endpoints).toMatchObject([{ state: 'Starting' }])
  const realm = { ...aRealm(), status: statusOf() }
  const unhealthy = statusOf({ realm, observed: { cells: [broken] } })
  expect(unhealthy.endpoints).toMatchObject([{ state: 'Unhealthy' }])
  const still = statusOf({ realm: { ...realm, status: unhealthy }, observed: { cells: [broken] } })
  expect(still.endpoints).toMatchObject([{ state: 'Unhealthy' }])
})

test('the message names services that are missing or not ready', () => {
  const ready = conditionOf(
    { status: statusOf({ observed: { services: [workload('gatekeeper', 0), workload('nats')] } }) },
    'Ready',
  )
  expect(ready).toMatchObject({
    status: 'False',
    reason: 'ServicesNotReady',
    message: 'services without a ready pod: gatekeeper, stats',
  })
  const without = aRealm({ gatekeeper: { replicas: 0 } })
  expect(conditions({ realm: without, observed: { services: [workload('stats')] } })).toMatchObject({ Ready: 'True AllServing' })
})

test('a hibernated realm is ready, not published and not accepting players once its cells are removed', () => {
  const realm = aRealm({ cells: { replicas: 0 } })
  expect(conditions({ realm, observed: { cells: [aServingCell()] } })).toMatchObject({
    Ready: 'False CellsNotReady',
    Progressing: 'True CellsDraining',
  })
  expect(conditions({ realm })).toEqual({
    Ready: 'True Hibernated',
    Published: 'False NothingToPublish',
    AcceptingPlayers: 'False Hibernated',
    ExplorersSupported: 'False InsideClusterOnly',
    MovementReachable: 'False NotConfigured',
    Progressing: 'False Settled',
    Reconciling: 'False Settled',
    Stalled: 'False NotStalled',
  })
})

test('a failure that may pass keeps a working realm ready, and Progressing says that the operator retries', () => {
  const failure: Failure = { reason: 'Retrying', message: 'connection refused' }
  expect(conditions({ failure })).toMatchObject({
    Ready: 'True AllServing',
    Progressing: 'True Retrying',
    Stalled: 'False NotStalled',
  })
  expect(conditions({ failure, observed: { cells: [] } })).toMatchObject({ Ready: 'False ApplyFailed' })
  expect(statusOf({ failure, observed: { cells: [] } }).replicas).toBe(0)
})

test('a refused object stalls the realm with the reason, while players still connect', () => {
  const failure: Failure = { reason: 'ApplyRefused', message: 'exceeded quota' }
  expect(conditions({ failure })).toMatchObject({
    Ready: 'False ApplyFailed',
    Stalled: 'True ApplyRefused',
    Progressing: 'False Stalled',
    Reconciling: 'False Stalled',
    AcceptingPlayers: 'True CellsServing',
    Published: 'True ServedByProvider',
  })
  expect(conditionOf({ status: statusOf({ failure }) }, 'Stalled')?.message).toBe('exceeded quota')
})

test('a service or a cell whose pods do not start stalls the realm, which names it', () => {
  const gatekeeper: Workload = {
    ...workload('gatekeeper', 0),
    problem: { code: 'SecretMissing', message: 'no Secret "postgres"' },
  }
  const byService = conditionOf({ status: statusOf({ observed: { services: [gatekeeper] } }) }, 'Stalled')
  expect(byService).toMatchObject({ status: 'True', reason: 'SecretMissing', message: 'gatekeeper: no Secret "postgres"' })
  const cell = aServingCell(aRealm(), 0, 'False')
  cell.status?.conditions?.push({
    type: 'Stalled',
    status: 'True',
    reason: 'PodsFailing',
    message: 'connector: crashes',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  })
  const byCell = conditionOf({ status: statusOf({ observed: { cells: [cell] } }) }, 'Stalled')
  expect(byCell).toMatchObject({ status: 'True', reason: 'PodsFailing', message: 'main-0: connector: crashes' })
})

test('a cell with an older generation in its status is not updated, and the realm is progressing', () => {
  const cell = { ...aServingCell(), metadata: { ...aServingCell().metadata, generation: 2 } }
  expect(statusOf({ observed: { cells: [cell] } }).updatedReplicas).toBe(0)
  expect(conditions({ observed: { cells: [cell] } })).toMatchObject({
    Ready: 'True AllServing',
    Progressing: 'True CellsStarting',
  })
})

test('a condition keeps its transition time for as long as its status stays, whatever the reason', () => {
  const realm = { ...aRealm(), status: statusOf({ publication: notAsked }) }
  const later = statusOf({ realm, at: now + 60_000 })
  expect(conditionOf({ status: later }, 'Ready')?.lastTransitionTime).toBe('2026-11-21T08:00:00Z')
  expect(conditionOf({ status: later }, 'Published')?.lastTransitionTime).toBe('2026-11-21T08:01:00Z')
})

test('the same input gives the same status at any time, so that nothing is written at rest', () => {
  const realm = { ...aRealm(), status: statusOf() }
  expect(statusOf({ realm, at: now + 86_400_000 })).toEqual(realm.status)
})

test('the selector of a realm leaves out connectors that another client scales, so that no two autoscalers count the same pod', () => {
  const realm = aRealm({ cells: { replicas: 3 } })
  const cells = working(realm).cells.map((cell) =>
    cell.spec.slot === 2
      ? { ...cell, metadata: { ...cell.metadata, annotations: { 'comms.decentraland.org/scaled': 'true' } } }
      : cell,
  )
  const { selector, readyReplicas } = statusOf({ realm, observed: { cells, scaled: new Set(['main-0']) } })
  expect(selector).toMatch(/cell in \(main-1\)$/)
  expect(readyReplicas).toBe(3)
})

test('a relay that does not answer leaves the realm ready and settled', () => {
  const realm = aRealm({ movement: { type: 'External', host: 'relay.example.org' } })
  const observed = working(realm)
  const relay = relayOf(realm, undefined)
  const { movement, conditions } = realmStatus({
    ...{ realm, observed, publication: served, failure: undefined, now, relay, relayState: 'noAnswer' },
    plan: planRealm(realm, observed, site),
    urls: site.urls(realm),
  })
  expect(movement).toMatchObject({ host: 'relay.example.org:7777', bevy: 'PULSE_SERVER=relay.example.org:7777' })
  expect(Object.fromEntries(conditions?.map(({ type, status }) => [type, status]) ?? [])).toMatchObject({
    MovementReachable: 'False',
    Ready: 'True',
    AcceptingPlayers: 'True',
    Reconciling: 'False',
    Stalled: 'False',
  })
})

test('hosts of the gatekeeper that are those of the realm are in its status; others stall it, and it is ready all the same', () => {
  const realm = aRealm({
    exposure: { type: 'Ingress', host: 'main.example.org' },
    gatekeeper: { hosts: ['a.example.org', 'b.example.org', 'c.example.org'], tlsSecretName: 'tls' },
  })
  const gatekeeperHostsTaken = [
    { host: 'b.example.org', by: { namespace: 'metaverse', name: 'plaza' } },
    { host: 'c.example.org', by: { namespace: 'strangers', name: 'secret' } },
  ]
  const observed = { gatekeeperHostsTaken }
  expect(statusOf({ realm, observed }).urls).toMatchObject({
    gatekeeper: 'http://main.example.org/gatekeeper',
    gatekeeperHosts: ['https://a.example.org'],
  })
  expect(conditions({ realm, observed })).toMatchObject({
    Ready: 'True AllServing',
    Published: 'True ServedByProvider',
    Progressing: 'False Stalled',
    Stalled: 'True AddressTaken',
  })
  const { message } = conditionOf({ status: statusOf({ realm, observed }) }, 'Stalled') ?? {}
  expect(message).toMatch(
    /^b\.example\.org belongs to the realm plaza, c\.example\.org belongs to another realm of the cluster: choose others/,
  )
  expect(statusOf({ observed: {} }).urls).not.toHaveProperty('gatekeeperHosts')
})
