import { expect, test } from 'vitest'
import type { RelayState } from '../../observed/relay-state.ts'
import { movementStatus, relayOf } from '../movement.ts'
import { aRealm } from '../realm.fixtures.ts'
import { conditionsOf } from './conditions.ts'
import { movementCondition } from './movement-condition.ts'

const external = aRealm({ movement: { type: 'External', host: 'relay.example.org' } })
const condition = (state: RelayState | undefined, realm = external) => movementCondition(realm, relayOf(realm, undefined), state)

test.each([
  ['reachable', 'True', 'Reachable', /relay\.example\.org:7777 answers/],
  ['full', 'False', 'Full', /takes no further player; .* stand still/],
  ['noAnswer', 'False', 'NoAnswer', /relay\.example\.org:7777 does not answer .* stand still for each other/],
  ['hostNotResolved', 'False', 'HostNotResolved', /no address of relay\.example\.org, .* stand still for each other/],
  ['unknown', 'Unknown', 'NotChecked', /not checked yet/],
  [undefined, 'Unknown', 'NotChecked', /checkDependencies/],
] as const)('a relay that is %s to the operator makes the condition %s', (state, status, reason, message) => {
  expect(condition(state)).toEqual({
    type: 'MovementReachable',
    status,
    reason,
    message: expect.stringMatching(message),
  })
})

test('a realm without a relay is told apart from an installation without one, and both say what players get', () => {
  const says = expect.stringMatching(/public relay of Decentraland, which mixes realms .* stand still/)
  expect(condition(undefined, aRealm())).toMatchObject({ status: 'False', reason: 'NotConfigured', message: says })
  expect(condition(undefined, aRealm({ movement: { type: 'None' } }))).toMatchObject({ reason: 'NoRelay', message: says })
})

test('a new operator process keeps the last condition of the same relay until it has checked, and not that of another one', () => {
  for (const state of ['reachable', 'full', 'noAnswer', 'hostNotResolved'] as const) {
    const before = condition(state)
    const movement = movementStatus({ host: 'relay.example.org', port: 7777 }, '')
    const realm = { ...external, status: { movement, conditions: conditionsOf(external, [before], 0) } }
    expect(condition('unknown', realm)).toMatchObject(before)
    const other = { ...realm, spec: { ...realm.spec, movement: { type: 'External' as const, host: 'other.example.org' } } }
    expect(condition('unknown', other)).toMatchObject({ reason: 'NotChecked' })
  }
})

test('a relay that is known by the name of its Service only is reported with what to set', () => {
  const relay = relayOf(aRealm(), { host: 'relay.system.svc.cluster.local', port: 7777 })
  expect(movementCondition(aRealm(), relay, 'reachable')).toMatchObject({
    status: 'True',
    message: expect.stringMatching(/do not know this name: set movement\.host/),
  })
})
