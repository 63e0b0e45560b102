import { expect, test } from 'vitest'
import type { RealmSpec } from '../../../crds/realm.ts'
import { aRealm, aRealmWithoutLivekit, site } from '../realm.fixtures.ts'
import { explorersCondition } from './explorers-condition.ts'

const condition = (exposure: RealmSpec['exposure'], realm = aRealm({ exposure })) =>
  explorersCondition(realm, site.urls(realm), { isInCluster: true })

test('all explorers can enter a realm with TLS and LiveKit', () => {
  for (const exposure of [
    { type: 'Ingress' as const, host: 'main.example.org', tlsSecretName: 'tls' },
    { type: 'Ingress' as const, host: 'main.example.org', tls: 'Terminated' as const },
    { type: 'None' as const, url: 'https://main.example.org' },
  ])
    expect(condition(exposure)).toMatchObject({ status: 'True', reason: 'AllExplorers' })
})

test('without TLS, Unity is said to be left out, with the field that changes that', () => {
  const no = { status: 'False', reason: 'NoTls' }
  expect(condition({ type: 'Ingress', host: 'main.example.org' })).toMatchObject({
    ...no,
    message: expect.stringMatching(/Unity cannot enter over ws:\/\/.*exposure\.tlsSecretName/),
  })
  expect(condition({ type: 'None', url: 'http://main.example.org' })).toMatchObject({
    ...no,
    message: expect.stringMatching(/exposure\.url with https/),
  })
  expect(condition({ type: 'Gateway', host: 'main.example.org', gateway: { name: 'edge' } })).toMatchObject({
    ...no,
    message: expect.stringMatching(/Terminated where the listener of the Gateway/),
  })
})

test('a realm that is not exposed, or has rooms of its own, says so first', () => {
  expect(condition({ type: 'None' })).toMatchObject({ status: 'False', reason: 'InsideClusterOnly' })
  const rooms = (exposure: RealmSpec['exposure']) => condition(exposure, aRealmWithoutLivekit({ exposure }))
  const behindTls = rooms({ type: 'Ingress', host: 'main.example.org', tlsSecretName: 'tls' })
  expect(behindTls).toMatchObject({ status: 'False', reason: 'EmbeddedRooms' })
  expect(behindTls.message).not.toContain('Unity cannot')
  expect(rooms({ type: 'None' }).message).toContain('Unity cannot')
})

test('a Managed LiveKit is reached from outside only where the realm says how', () => {
  const exposure = { type: 'Ingress', host: 'main.example.org', tlsSecretName: 'tls' } as const
  const withLivekit = (livekit: Partial<RealmSpec['livekit']>) => {
    const realm = aRealm({ exposure })
    return condition(exposure, { ...realm, spec: { ...realm.spec, livekit: { type: 'Managed', ...livekit } } })
  }
  expect(withLivekit({})).toMatchObject({
    status: 'False',
    reason: 'InsideClusterOnly',
    message: expect.stringMatching(/livekit\.service/),
  })
  expect(withLivekit({ service: { type: 'LoadBalancer' } })).toMatchObject({ status: 'True' })
  expect(withLivekit({ url: 'wss://livekit.example.org' })).toMatchObject({ status: 'True' })
})

test('a realm on a laptop is told of the option that has an effect there, and not of fields of exposure', () => {
  const onLaptop = (realm = aRealm({}), url = 'ws://127.0.0.1:3000/main/cells/0') =>
    explorersCondition(realm, { slot: () => url }, { isInCluster: false })
  expect(onLaptop()).toMatchObject({ status: 'False', reason: 'NoTls', message: expect.stringContaining('--public-url') })
  expect(onLaptop().message).not.toContain('exposure')
  expect(onLaptop(aRealmWithoutLivekit({})).message).not.toContain('exposure')
  expect(onLaptop(aRealm({}), 'wss://realm.example.org/main/cells/0')).toMatchObject({ status: 'True' })
})
