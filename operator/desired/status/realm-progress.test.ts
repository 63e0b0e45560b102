import { expect, test } from 'vitest'
import { type CommsCell, conditionOf, type Realm } from '../../../crds/realm.ts'
import type { Workload } from '../../observed/workload.ts'
import { planRealm } from '../plan.ts'
import { aRealm, aServingCell, site } from '../realm.fixtures.ts'
import { realmStatus } from './realm-status.ts'

const services: Workload[] = (['nats', 'gatekeeper', 'stats'] as const).map((component) => ({
  component,
  desired: 1,
  current: 1,
  updated: 1,
  ready: 1,
  existing: 1,
}))
const publication = { state: 'serving', aboutUrl: 'http://realm-provider/main/about' } as const

/** The status and the reason of each condition of a realm whose services work. */
function conditions({ realm = aRealm(), observed }: { realm?: Realm; observed: { cells: CommsCell[] } }) {
  const all = { ...observed, services }
  const plan = planRealm(realm, all, site)
  const status = realmStatus({ realm, plan, observed: all, urls: site.urls(realm), publication, failure: undefined, now: 0 })
  return Object.fromEntries(
    status.conditions?.map((condition) => [condition.type, `${condition.status} ${condition.reason}`]) ?? [],
  )
}

test('a realm reconciles while one of its cells does', () => {
  const cell = aServingCell()
  const busy = {
    type: 'Reconciling',
    status: 'True',
    reason: 'Starting',
    message: '',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  } as const
  cell.status?.conditions?.push(busy)
  expect(conditions({ observed: { cells: [cell] } })).toMatchObject({
    Ready: 'True AllServing',
    Reconciling: 'True CellsStarting',
  })
})

test('a paused rollout and one that awaits promotion are not over, although the operator changes nothing', () => {
  const earlier = aServingCell(aRealm({ version: '1.2.2' }))
  const held = (rollout: Partial<Realm['spec']['rollout']>) =>
    conditions({ realm: aRealm({ rollout }), observed: { cells: [earlier] } })
  expect(held({ paused: true })).toMatchObject({ Progressing: 'False RolloutPaused', Reconciling: 'True RolloutPaused' })
  expect(held({ canaryCells: 0 })).toMatchObject({
    Progressing: 'False AwaitingPromotion',
    Reconciling: 'True AwaitingPromotion',
  })
})

test('a stalled cell stalls its realm no longer once a rollout replaces it, or its spec was corrected', () => {
  const stalled = {
    type: 'Stalled',
    status: 'True',
    reason: 'SecretMissing',
    message: 'no Secret',
    lastTransitionTime: '',
  } as const
  const broken = aServingCell(aRealm({ version: '1.2.2' }), 0, 'False')
  broken.status?.conditions?.push(stalled)
  expect(conditions({ observed: { cells: [broken] } })).toMatchObject({
    Stalled: 'False NotStalled',
    Reconciling: 'True RollingOut',
  })
  expect(conditions({ realm: aRealm({ rollout: { paused: true } }), observed: { cells: [broken] } })).toMatchObject({
    Stalled: 'True SecretMissing',
    Reconciling: 'False Stalled',
  })
  const current = aServingCell(aRealm(), 0, 'False')
  current.status?.conditions?.push(stalled)
  expect(conditions({ observed: { cells: [current] } })).toMatchObject({ Stalled: 'True SecretMissing' })
  const corrected = { ...current, metadata: { ...current.metadata, generation: 2 } }
  expect(conditions({ observed: { cells: [corrected] } })).toMatchObject({
    Stalled: 'False NotStalled',
    Reconciling: 'True CellsStarting',
  })
})

test('a gatekeeper that has too little memory for its own database says how much it needs', () => {
  const problem = { code: 'PodsFailing', message: 'the process keeps ending: out of memory' } as const
  const stalledMessage = (realm: Realm) => {
    const gatekeeper: Workload = { component: 'gatekeeper', desired: 1, current: 1, updated: 0, ready: 0, existing: 1, problem }
    const all = { cells: [aServingCell(realm)], services: [gatekeeper] }
    const plan = planRealm(realm, all, site)
    const status = realmStatus({ realm, plan, observed: all, urls: site.urls(realm), publication, failure: undefined, now: 0 })
    return status.conditions?.find(({ type }) => type === 'Stalled')?.message
  }
  expect(stalledMessage(aRealm())).toBe(
    'gatekeeper: the process keeps ending: out of memory; a gatekeeper with an Embedded database needs 300 MiB: ' +
      'set spec.gatekeeper.resources.limits.memory',
  )
  const external = aRealm({ gatekeeper: { database: { type: 'External', secret: { name: 'postgres', key: 'url' } } } })
  expect(stalledMessage(external)).toBe('gatekeeper: the process keeps ending: out of memory')
})

test('every part that fails is named', () => {
  const pull = { code: 'PodsFailing', message: 'the image cannot be pulled' } as const
  const failing = (component: Workload['component']): Workload => ({
    component,
    desired: 1,
    current: 1,
    updated: 0,
    ready: 0,
    existing: 1,
    problem: pull,
  })
  const cell = aServingCell(aRealm())
  const stalled = {
    type: 'Stalled',
    status: 'True',
    reason: 'SecretMissing',
    message: 'connector: x',
    lastTransitionTime: '',
  } as const
  cell.status?.conditions?.push(stalled)
  const observed = { cells: [cell], services: [failing('gatekeeper'), failing('stats')] }
  const plan = planRealm(aRealm(), observed, site)
  const realm = aRealm()
  const status = realmStatus({ realm, plan, observed, urls: site.urls(realm), publication, failure: undefined, now: 0 })
  expect(status.conditions?.find(({ type }) => type === 'Stalled')).toMatchObject({
    reason: 'PodsFailing',
    message: `gatekeeper: ${pull.message}; stats: ${pull.message}; main-0: connector: x`,
  })
})

test('services that wait for the rollout are named, and the realm is not settled meanwhile', () => {
  const realm = aRealm({ rollout: { paused: true } })
  const all = { cells: [aServingCell()], services }
  const plan = planRealm(realm, all, site)
  const held = ['gatekeeper', 'stats'] as const
  const status = realmStatus({
    ...{ realm, plan, observed: all, urls: site.urls(realm), publication, failure: undefined, now: 0 },
    held,
  })
  expect(conditionOf({ status }, 'Reconciling')).toMatchObject({
    status: 'True',
    reason: 'RolloutPaused',
    message: '1 of 1 cells are updated, and these services are not yet: gatekeeper, stats; set rollout.paused to false to go on',
  })
  expect(conditionOf({ status }, 'Progressing')).toMatchObject({ status: 'False', reason: 'RolloutPaused' })
})

/** A realm in the middle of a rollout whose candidate has this condition. */
function candidateWith(condition: { type: 'Reconciling' | 'Stalled'; reason: string; message: string }) {
  const realm = aRealm({ version: '2.0.0' })
  const candidate = aServingCell(realm, 0, 'False')
  candidate.metadata.name = 'main-0-abcdef'
  candidate.status?.conditions?.push({ ...condition, status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' })
  const all = { cells: [aServingCell(), candidate], services }
  const plan = planRealm(realm, all, site)
  expect(plan.rollout.candidates).toEqual([candidate])
  const status = realmStatus({ realm, plan, observed: all, urls: site.urls(realm), publication, failure: undefined, now: 0 })
  return (type: string) => conditionOf({ status }, type)
}

test('what the new cell of a rollout waits for is named, and stalls the realm as soon as it stalls the cell', () => {
  const message = 'connector: no node takes the pod: Insufficient cpu'
  const waits = candidateWith({ type: 'Reconciling', reason: 'PodsWaiting', message })
  expect(waits('Stalled')).toMatchObject({ status: 'False' })
  expect(waits('Reconciling')).toMatchObject({
    status: 'True',
    reason: 'RollingOut',
    message: `0 of 1 cells are updated; pods wait: main-0-abcdef: ${message}`,
  })
  const fails = candidateWith({ type: 'Stalled', reason: 'PodsFailing', message })
  expect(fails('Stalled')).toMatchObject({ status: 'True', reason: 'PodsFailing', message: `main-0-abcdef: ${message}` })
  expect(fails('Ready')).toMatchObject({ status: 'True' })
})

test('what the pods of a service wait for is named, and stalls the realm only after a while', () => {
  const problem = { code: 'PodsFailing' as const, message: 'the image realm:1 cannot be pulled', since: 0 }
  const realm = aRealm()
  const waiting = services.map((service) => (service.component === 'stats' ? { ...service, updated: 0, problem } : service))
  const all = { cells: [aServingCell()], services: waiting }
  const plan = planRealm(realm, all, site)
  const at = (now: number) => {
    const status = realmStatus({ realm, plan, observed: all, urls: site.urls(realm), publication, failure: undefined, now })
    return [conditionOf({ status }, 'Progressing')?.message, conditionOf({ status }, 'Stalled')?.status]
  }
  expect(at(44_999)).toEqual([`services are being created or changed; pods wait: stats: ${problem.message}`, 'False'])
  expect(at(45_000)).toEqual([expect.stringContaining('Stalled'), 'True'])
})
