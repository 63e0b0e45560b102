import { expect, test } from 'vitest'
import type { RealmSpec } from '../../../crds/realm.ts'
import type { Reachability } from '../../observed/reachability.ts'
import type { ObservedWebhooks } from '../../observed/webhooks.ts'
import { aRealm } from '../realm.fixtures.ts'
import { dependenciesCondition } from './dependencies-condition.ts'

const livekit = { dependency: 'LiveKit', url: 'wss://livekit.example.org' } as const
const nats: RealmSpec['nats'] = { type: 'External', urls: ['nats://a:4222', 'nats://b:4222'] }
const nothing = { cells: [], services: [] }
const condition = (reachability: Reachability[]) => dependenciesCondition(aRealm({ nats }), nothing, { reachability })

test('dependencies are ready once the operator has reached them', () => {
  expect(condition([{ ...livekit, state: 'unknown' }])).toMatchObject({ status: 'Unknown', reason: 'NotChecked' })
  expect(condition([{ ...livekit, state: 'reachable' }])).toMatchObject({ status: 'True', reason: 'Reachable' })
})

test('the message about an unreachable dependency has its address, without credentials', () => {
  expect(condition([{ ...livekit, state: 'unreachable' }])).toMatchObject({
    status: 'False',
    reason: 'Unreachable',
    message: 'the operator cannot reach LiveKit at wss://livekit.example.org',
  })
  const secret = { dependency: 'NATS', url: 'nats://user:secret@a:4222', state: 'unreachable' } as const
  expect(condition([secret])).toMatchObject({ message: 'the operator cannot reach NATS at nats://a:4222' })
})

test('one reachable server of a NATS is enough', () => {
  const server = (name: string) => ({ dependency: 'NATS', url: `nats://${name}:4222` }) as const
  const lost = { ...server('a'), state: 'unreachable' } as const
  expect(condition([lost, { ...server('b'), state: 'reachable' }])).toMatchObject({ status: 'True' })
  expect(condition([lost, { ...server('b'), state: 'unreachable' }])).toMatchObject({ status: 'False' })
})

test('Managed servers must have a ready pod', () => {
  const running = (ready: number) => ({
    cells: [],
    services: [{ component: 'nats' as const, desired: 1, current: 1, updated: ready, ready, existing: 1 }],
  })
  expect(dependenciesCondition(aRealm(), running(0), { reachability: [] })).toMatchObject({ status: 'False', reason: 'NotReady' })
  expect(dependenciesCondition(aRealm(), running(1), { reachability: [] })).toMatchObject({ status: 'True' })
})

test('a new operator process keeps the last condition until it has checked', () => {
  const last = { type: 'DependenciesReady', status: 'True', reason: '', message: '', lastTransitionTime: '' } as const
  const before = { ...aRealm({ nats }), status: { conditions: [last] } }
  expect(dependenciesCondition(before, nothing, { reachability: [{ ...livekit, state: 'unknown' }] })).toMatchObject({
    status: 'True',
  })
})

test('it also keeps an unreachable dependency, as long as the spec is the same', () => {
  const last = {
    type: 'DependenciesReady',
    status: 'False',
    reason: 'Unreachable',
    message: 'LiveKit: gone',
    lastTransitionTime: '',
    observedGeneration: 1,
  } as const
  const before = { ...aRealm({ nats }), status: { conditions: [last] } }
  const unsure = { reachability: [{ ...livekit, state: 'unknown' }] } as const
  expect(dependenciesCondition(before, nothing, unsure)).toMatchObject({ status: 'False', message: 'LiveKit: gone' })
  const changed = { ...before, metadata: { ...before.metadata, generation: 2 } }
  expect(dependenciesCondition(changed, nothing, unsure)).toMatchObject({ status: 'Unknown' })
})

test('a LiveKit that sends no webhooks is named with the remedy, until it sends one, and after a restart of the operator too', () => {
  const url = 'https://main.example.org/gatekeeper/livekit-webhook'
  const given = (state: ObservedWebhooks, realm = aRealm({ nats })) =>
    dependenciesCondition(realm, nothing, {
      reachability: [{ ...livekit, state: 'reachable' }],
      webhooks: { state, url },
    })
  const missing = {
    ...{ status: 'False', reason: 'WebhooksMissing' },
    message: expect.stringContaining(`add ${url} to webhook.urls of LiveKit`),
  }
  expect([given('unknown'), given('missing'), given('arrive')]).toMatchObject([{ status: 'True' }, missing, { status: 'True' }])
  const condition = { type: 'DependenciesReady', status: 'False', reason: 'WebhooksMissing', message: '' } as const
  const before = {
    ...aRealm({ nats }),
    status: { conditions: [{ ...condition, lastTransitionTime: '', observedGeneration: 7 }] },
  }
  const restarted = { ...before, metadata: { ...before.metadata, generation: 7 } }
  expect([given('unknown', restarted), given('arrive', restarted)]).toMatchObject([missing, { status: 'True' }])
})
