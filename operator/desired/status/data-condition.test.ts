import { expect, test } from 'vitest'
import { aRealm } from '../realm.fixtures.ts'
import { dataCondition } from './data-condition.ts'

test.each([
  ['True', 'ExternalDatabase', { database: { type: 'External', secret: { name: 'database', key: 'url' } } }],
  ['True', 'OnVolume', { database: { type: 'Embedded', claimName: 'mine' } }],
  ['True', 'OnVolume', { database: { type: 'Embedded', storage: { size: '1Gi' } } }],
  ['True', 'NoGatekeeper', { replicas: 0 }],
  ['False', 'EndsWithPod', {}],
] as const)('the data of a gatekeeper is durable: %s, because %s', (status, reason, gatekeeper) => {
  expect(dataCondition(aRealm({ gatekeeper }))).toMatchObject({ status, reason })
})

test('the message names the claim, or how to get one', () => {
  const messageOf = (gatekeeper: object) => dataCondition(aRealm({ gatekeeper })).message
  expect(messageOf({ database: { type: 'Embedded', claimName: 'mine' } })).toMatch(/PersistentVolumeClaim mine$/)
  expect(messageOf({ database: { type: 'Embedded', storage: { size: '1Gi' } } })).toMatch(/ main-gatekeeper-data$/)
  expect(messageOf({})).toMatch(/lost with each pod.* set spec\.gatekeeper\.database\.storage/)
})
