import { expect, test } from 'vitest'
import type { RealmSpec } from '../../../crds/realm.ts'
import type { Reachability } from '../../observed/reachability.ts'
import { aRealm } from '../fixtures.ts'
import { dependenciesCondition } from './dependencies-condition.ts'

const livekit = { dependency: 'LiveKit', url: 'wss://livekit.example.org' } as const
const nats: RealmSpec['nats'] = { type: 'External', urls: ['nats://a:4222', 'nats://b:4222'] }
const nothing = { cells: [], services: [] }
const claim = (reachability: Reachability[]) => dependenciesCondition(aRealm({ nats }), nothing, reachability)

test('what a realm depends on is there once it was reached', () => {
  expect(claim([{ ...livekit, state: 'unknown' }])).toMatchObject({ status: 'Unknown', reason: 'NotChecked' })
  expect(claim([{ ...livekit, state: 'reachable' }])).toMatchObject({ status: 'True', reason: 'Reachable' })
})

test('what cannot be reached is told by its address and the reason', () => {
  expect(claim([{ ...livekit, state: 'unreachable', message: 'connect ECONNREFUSED' }])).toMatchObject({
    status: 'False',
    reason: 'Unreachable',
    message: 'the operator cannot reach LiveKit at wss://livekit.example.org: connect ECONNREFUSED',
  })
})

test('of the servers of one NATS a single one is enough', () => {
  const server = (name: string) => ({ dependency: 'NATS', url: `nats://${name}:4222` }) as const
  const lost = { ...server('a'), state: 'unreachable', message: 'x' } as const
  expect(claim([lost, { ...server('b'), state: 'reachable' }])).toMatchObject({ status: 'True' })
  expect(claim([lost, { ...server('b'), state: 'unreachable', message: 'y' }])).toMatchObject({ status: 'False' })
})

test('what a realm runs itself must run', () => {
  const running = (ready: number) => ({
    cells: [],
    services: [{ component: 'nats' as const, desired: 1, updated: 1, ready, existing: 1 }],
  })
  expect(dependenciesCondition(aRealm(), running(0), [])).toMatchObject({ status: 'False', reason: 'NotReady' })
  expect(dependenciesCondition(aRealm(), running(1), [])).toMatchObject({ status: 'True' })
})

test('a new operator repeats what the last one saw until it has looked', () => {
  const condition = { type: 'DependenciesReady', status: 'True', reason: '', message: '', lastTransitionTime: '' } as const
  const before = { ...aRealm({ nats }), status: { conditions: [condition] } }
  expect(dependenciesCondition(before, nothing, [{ ...livekit, state: 'unknown' }])).toMatchObject({ status: 'True' })
})

test('also what could not be reached is repeated, for as long as the realm is the same', () => {
  const condition = {
    type: 'DependenciesReady',
    status: 'False',
    reason: 'Unreachable',
    message: 'LiveKit: gone',
    lastTransitionTime: '',
    observedGeneration: 1,
  } as const
  const before = { ...aRealm({ nats }), status: { conditions: [condition] } }
  const unsure = [{ ...livekit, state: 'unknown' }] as const
  expect(dependenciesCondition(before, nothing, unsure)).toMatchObject({ status: 'False', message: 'LiveKit: gone' })
  const changed = { ...before, metadata: { ...before.metadata, generation: 2 } }
  expect(dependenciesCondition(changed, nothing, unsure)).toMatchObject({ status: 'Unknown' })
})
