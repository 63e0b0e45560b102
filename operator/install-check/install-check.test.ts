import { expect, test } from 'vitest'
import { ManualClock } from '../../cells/chassis/clock.ts'
import { KubeError } from '../../cells/kube/kube-error.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import type { Realm } from '../../crds/realm.ts'
import { realmResource } from '../../crds/resources.ts'
import { readCrd } from '../../crds/schema.ts'
import { createValidator } from '../../crds/validate.ts'
import type { JoinOutcome } from '../observers/synthetic-join/join-cell.ts'
import { checkInstallation, type InstallCheckParts } from './install-check.ts'

const adapter = 'archipelago:archipelago:ws://install-check-slot-0.lobby.svc.cluster.local/cells/0/ws'
const condition = (type: string, status: string, message = '') => ({ type, status, reason: 'A', message, lastTransitionTime: '' })
const served = {
  conditions: [condition('Ready', 'True'), condition('Published', 'True')],
  endpoints: [{ slot: 0, adapter, cell: 'install-check-0', state: 'Serving' }],
}

/** An installation whose Realm reports these statuses, one at each look, the last one for ever. */
function anInstallation(statuses: object[], changes: Partial<InstallCheckParts> = {}) {
  const clock = new ManualClock()
  const said: string[] = []
  const asked: string[] = []
  let realm: KubeObject | undefined
  const parts: InstallCheckParts = {
    kube: {
      create: async (_, object) => {
        realm = object
        return object
      },
      get: async <T extends KubeObject>() =>
        realm && ({ ...realm, status: statuses.length > 1 ? statuses.shift() : statuses[0] } as unknown as T),
      remove: async () => {
        realm = undefined
        return true
      },
    },
    ...{ namespace: 'lobby', providerUrl: 'http://provider', clock, patienceMs: 60_000 },
    fetch: async (url) => {
      asked.push(url)
      return { ok: true, status: 200, body: {} }
    },
    join: async (url) => {
      asked.push(url)
      return { ok: true }
    },
    say: (sentence) => said.push(sentence),
    ...changes,
  }
  const check = async () => {
    const checked = checkInstallation(parts).then(
      () => 'passed',
      (error: Error) => error.message,
    )
    let answer: string | undefined
    void checked.then((text) => {
      answer = text
    })
    while (answer === undefined) {
      await new Promise(setImmediate)
      clock.advance(1000)
    }
    return answer
  }
  return { check, said, asked, realm: () => realm, parts }
}

test('makes a realm that the API server accepts, waits for it, joins it, and removes it', async () => {
  let made: KubeObject | undefined
  const { check, said, asked, realm, parts } = anInstallation([{}, { conditions: [condition('Ready', 'False')] }, served])
  const { create } = parts.kube
  parts.kube.create = (resource, object) => {
    made = object
    return create(resource, object)
  }
  expect(await check()).toBe('passed')
  expect(createValidator<Realm>(readCrd('realm.crd.yaml'))(made as object)).toMatchObject({ ok: true })
  expect(asked).toEqual(['http://provider/install-check/about', 'ws://install-check-slot-0.lobby.svc.cluster.local/cells/0/ws'])
  expect(realm()).toBeUndefined()
  expect(said).toHaveLength(5)
})

test('tries again where a node does not route to the new realm yet, or a provider does not know it', async () => {
  const abouts = [404, 200]
  const joins: JoinOutcome[] = [{ ok: false, message: 'connecting: connect ECONNREFUSED' }, { ok: true }]
  const { check } = anInstallation([served], {
    fetch: async () => ({ ok: true, status: abouts.shift() ?? 200, body: {} }),
    join: async () => joins.shift() ?? { ok: true },
  })
  expect(await check()).toBe('passed')
  expect([abouts, joins]).toEqual([[], []])
})

test('leaves a realm of another check alone, and says how to remove one that was left behind', async () => {
  const { check, realm, parts } = anInstallation([served])
  await parts.kube.create(realmResource, { ...realmResource, metadata: { name: 'install-check', namespace: 'lobby' } })
  parts.kube.create = async () => {
    throw new KubeError('POST', 409, { reason: 'AlreadyExists', message: 'realms "install-check" already exists' })
  }
  expect(await check()).toMatch(/exists already: another check runs, .*kubectl delete realm install-check -n lobby/)
  expect(realm()).toBeDefined()
})

test.each<[string, object[], Partial<InstallCheckParts>, RegExp]>([
  ['nothing of the operator', [{}], {}, /not published: the operator says nothing .*\(after 60 s\)/],
  [
    'a pod that does not start',
    [{ conditions: [condition('Ready', 'False', 'no node fits')] }],
    {},
    /not published: no node fits/,
  ],
  [
    'a provider that does not answer',
    [served],
    { fetch: async () => ({ ok: true, status: 502, body: {} }) },
    /install-check\/about answers with the status 502/,
  ],
  ['no cell that serves', [{ ...served, endpoints: [] }], {}, /no cell of the realm serves/],
  [
    'a player without an island',
    [served],
    { join: async () => ({ ok: false, message: 'no island' }) },
    /could not join .*: no island/,
  ],
])('says what is wrong with %s, and removes the realm all the same', async (_, statuses, changes, reason) => {
  const { check, realm } = anInstallation(statuses, changes)
  expect(await check()).toMatch(reason)
  expect(realm()).toBeUndefined()
})
