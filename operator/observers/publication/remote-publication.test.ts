import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import type { Realm } from '../../../crds/realm.ts'
import { aRealm } from '../../desired/realm.fixtures.ts'
import type { PublicationAnswer, PublicationRequest } from './publication-request.ts'
import { LeasedPublication } from './remote-publication.ts'

const url = 'https://realms.example.org'
const endpoint = { slot: 0, adapter: 'archipelago:archipelago:wss://h/cells/0/ws', cell: 'main-0', state: 'Serving' as const }
const publishing = (endpoints = [endpoint], providers = [{ url, ttlSeconds: 60 }]): Realm => ({
  ...aRealm({ publication: { providers } }),
  status: { endpoints },
})

/** A provider of one name that keeps to the protocol, unless the test breaks it. */
function aProvider() {
  const state = {
    held: undefined as { publisher: string; etag: string; endpoints: number; epoch?: number } | undefined,
    unused: undefined as unknown,
    isListUnreadable: undefined as unknown,
    broken: undefined as PublicationAnswer | undefined,
    count: 0,
    asked: [] as string[],
  }
  const answer = (status: number): PublicationAnswer => ({
    status,
    etag: state.held?.etag,
    body:
      status === 409
        ? { holder: 'far/away' }
        : {
            ...{ publisher: state.held?.publisher, epoch: state.held?.epoch },
            ...{ unusedCatalysts: state.unused, isListUnreadable: state.isListUnreadable },
          },
  })
  const handle = ({ method, headers = {}, body }: PublicationRequest): PublicationAnswer => {
    state.asked.push(method)
    if (state.broken) return state.broken
    if (method === 'GET') return state.held ? answer(200) : answer(404)
    const epoch = Number(headers['publication-epoch'])
    if (state.held?.epoch !== undefined && epoch < state.held.epoch) return answer(412)
    const { publisher, endpoints } = (body ?? {}) as { publisher: string; endpoints: unknown[] }
    if (method === 'PUT') {
      if (state.held && state.held.publisher !== publisher) return answer(409)
      if (state.held ? headers['if-match'] !== state.held.etag : headers['if-none-match'] !== '*') return answer(412)
      const isNew = !state.held
      state.held = { publisher, etag: `"${++state.count}"`, endpoints: endpoints.length, epoch }
      return answer(isNew ? 201 : 200)
    }
    if (!state.held) return answer(404)
    if (headers['if-match'] !== state.held.etag) return answer(412)
    state.held = undefined
    return answer(204)
  }
  return { state, handle }
}

function anOperator({ handle }: ReturnType<typeof aProvider>, epoch = 1, clock = new ManualClock()) {
  const notified: string[] = []
  const remote = new LeasedPublication({
    providers: [{ url, tokenFile: '/nowhere' }],
    clock,
    epoch,
    request: async (_, request) => handle(request),
    random: () => 0.5,
  })
  remote.onChange(({ name }) => notified.push(name))
  const pass = async (ms: number) => {
    for (let at = 0; at < ms; at += 25) {
      clock.advance(25)
      await new Promise(setImmediate)
    }
  }
  /** One pass of a reconciler over a realm. */
  const publish = (realm: Realm) => {
    remote.watch(realm)
    return remote.get(realm.metadata) ?? []
  }
  return { remote, publish, notified, pass, clock }
}

test('a name is remote, reported, and renewed three times before it would expire', async () => {
  const provider = aProvider()
  const { publish, notified, pass } = anOperator(provider)
  expect(publish(publishing())).toEqual([{ url, state: 'pending' }])
  await pass(100)
  expect(publish(publishing())).toEqual([{ url, state: 'held' }])
  expect(notified).toEqual(['main'])
  await pass(60_000)
  expect(provider.state.asked).toEqual(['PUT', 'PUT', 'PUT', 'PUT'].slice(0, provider.state.asked.length))
  expect(provider.state.asked.length).toBeGreaterThanOrEqual(3)
  expect(notified).toEqual(['main'])
})

test('how many catalysts the provider does not use is learned from its receipt, whatever else it sends there', async () => {
  const provider = aProvider()
  const { publish, notified, pass } = anOperator(provider)
  provider.state.unused = 2
  publish(publishing())
  await pass(100)
  expect(publish(publishing())).toEqual([{ url, state: 'held', unusedCatalysts: 2 }])
  provider.state.isListUnreadable = true
  await pass(30_000)
  expect(publish(publishing())).toEqual([{ url, state: 'held', unusedCatalysts: 2, isListUnreadable: true }])
  provider.state.isListUnreadable = 'yes'
  for (const other of ['2', -1, 1e300, null, [1]]) {
    provider.state.unused = other
    await pass(30_000)
    expect(publish(publishing())).toEqual([{ url, state: 'held' }])
  }
  expect(notified).toEqual(['main', 'main', 'main'])
})

test('a cell that is removed leaves the publication at once, and with the last one the name is given back', async () => {
  const provider = aProvider()
  const { publish, pass } = anOperator(provider)
  const second = { ...endpoint, slot: 1, cell: 'main-1' }
  publish(publishing([endpoint, second]))
  await pass(100)
  expect(provider.state.held?.endpoints).toBe(2)
  publish(publishing([endpoint]))
  await pass(50)
  expect(provider.state.held?.endpoints).toBe(1)
  publish(publishing([]))
  await pass(50)
  expect(provider.state.held).toBeUndefined()
  await pass(120_000)
  expect(provider.state.asked.at(-1)).toBe('DELETE')
})

test('a new leader takes over the leases of the one before it', async () => {
  const provider = aProvider()
  const [old, successor] = [anOperator(provider), anOperator(provider)]
  old.publish(publishing())
  await old.pass(100)
  successor.publish(publishing())
  await successor.pass(500)
  expect(successor.publish(publishing())).toEqual([{ url, state: 'held' }])
  expect(provider.state.asked).toEqual(['PUT', 'PUT', 'GET', 'PUT'])
})

test('a name of another publisher is reported with its holder, and remote once it is free', async () => {
  const provider = aProvider()
  provider.state.held = { publisher: 'another', etag: '"x"', endpoints: 1 }
  const { publish, pass } = anOperator(provider)
  publish(publishing())
  await pass(100)
  expect(publish(publishing())).toEqual([{ url, state: 'taken', holder: 'far/away' }])
  provider.state.held = undefined
  await pass(15_000)
  expect(publish(publishing())).toEqual([{ url, state: 'held' }])
})

test('the name at an unreachable provider counts as held until its lease expires', async () => {
  const provider = aProvider()
  const { publish, notified, pass } = anOperator(provider)
  publish(publishing())
  await pass(100)
  provider.state.broken = { failed: 'connect ECONNREFUSED' }
  await pass(45_000)
  expect(publish(publishing())).toEqual([{ url, state: 'held' }])
  await pass(45_000)
  expect(publish(publishing())).toEqual([{ url, state: 'unreachable', message: 'connect ECONNREFUSED' }])
  provider.state.broken = { status: 500, etag: undefined, body: undefined }
  await pass(45_000)
  expect(publish(publishing())).toMatchObject([{ message: 'connect ECONNREFUSED' }])
  expect(notified).toHaveLength(2)
  provider.state.broken = undefined
  provider.state.held = undefined // the lease expired
  await pass(20_000)
  expect(publish(publishing())).toEqual([{ url, state: 'held' }])
})

test('a deleted realm gives its name back, also after failures, and asks no longer than half a minute', async () => {
  const provider = aProvider()
  const { remote, publish, pass } = anOperator(provider)
  publish(publishing())
  await pass(100)
  provider.state.broken = { failed: 'connect ECONNREFUSED' }
  remote.withdraw(publishing().metadata)
  expect(remote.get(publishing().metadata)).toBeUndefined()
  await pass(5_000)
  provider.state.broken = undefined
  await pass(10_000)
  expect(provider.state.held).toBeUndefined()

  publish(publishing())
  await pass(500)
  provider.state.broken = { failed: 'connect ECONNREFUSED' }
  remote.withdraw(publishing().metadata)
  await pass(30_000)
  const asked = provider.state.asked.length
  await pass(60_000)
  expect(provider.state.asked).toHaveLength(asked)
})

test('a realm that is declared again gets its name once the earlier one has given it back', async () => {
  const provider = aProvider()
  const { publish, pass } = anOperator(provider)
  publish(publishing())
  await pass(100)
  const again = publishing()
  publish({ ...again, metadata: { ...again.metadata, uid: 'another-uid' } })
  await pass(15_000)
  expect(provider.state.held?.publisher).toBe('another-uid')
})

test('a deleted realm leaves the name of another publisher alone', async () => {
  const provider = aProvider()
  provider.state.held = { publisher: 'another', etag: '"x"', endpoints: 1 }
  const { remote, publish, pass } = anOperator(provider)
  publish(publishing())
  await pass(500)
  remote.withdraw(publishing().metadata)
  await pass(2_000)
  expect(provider.state.held.publisher).toBe('another')
  expect(provider.state.asked).not.toContain('DELETE')
})

test('a provider that is removed from the spec gets the name back', async () => {
  const provider = aProvider()
  const { publish, pass } = anOperator(provider)
  publish(publishing())
  await pass(100)
  expect(publish(publishing([endpoint], []))).toEqual([])
  await pass(100)
  expect(provider.state.held).toBeUndefined()
})

test('a provider the operator is not configured for gets no request', async () => {
  const provider = aProvider()
  const { remote, publish, pass } = anOperator(provider)
  const unconfigured = publishing([endpoint], [{ url: 'http://inside.cluster', ttlSeconds: 60 }])
  expect(publish(unconfigured)).toEqual([{ url: 'http://inside.cluster', state: 'notConfigured' }])
  remote.withdraw(unconfigured.metadata)
  await pass(10_000)
  expect(provider.state.asked).toEqual([])
})

test('an operator that stops neither renews nor releases a name', async () => {
  const provider = aProvider()
  const { remote, publish, pass } = anOperator(provider)
  publish(publishing())
  await pass(100)
  await remote.stop()
  await pass(120_000)
  expect(provider.state.asked).toEqual(['PUT'])
})

test('an earlier leader yields to a later one, requests rarely, and goes on once the later lease has expired', async () => {
  const provider = aProvider()
  const [old, successor] = [anOperator(provider, 1), anOperator(provider, 2)]
  old.publish(publishing())
  await old.pass(100)
  const second = { ...endpoint, slot: 1, cell: 'main-1' }
  successor.publish(publishing([endpoint, second]))
  await successor.pass(500)
  provider.state.asked.length = 0
  old.publish(publishing([]))
  await old.pass(30_000)
  old.publish(publishing([endpoint]))
  await old.pass(30_000)
  expect(provider.state.held?.endpoints).toBe(2)
  expect(provider.state.asked.length).toBeLessThan(16)
  expect(old.publish(publishing([endpoint]))).toMatchObject([
    { state: 'unreachable', message: expect.stringContaining('became leader later') },
  ])
  provider.state.held = undefined
  await old.pass(20_000)
  expect(old.publish(publishing([endpoint]))).toMatchObject([{ state: 'held' }])
})

test('players may be routed to a cell until the provider confirmed its removal, or the lease has expired', async () => {
  const provider = aProvider()
  const { remote, publish, notified, pass } = anOperator(provider)
  const second = { ...endpoint, slot: 1, cell: 'main-1' }
  const both = publishing([endpoint, second])
  expect(remote.mayRouteTo(both, 'main-1')).toBe(true) // an earlier leader may have published it
  publish(both)
  await pass(100)
  expect(['main-0', 'main-1', 'main-2'].map((cell) => remote.mayRouteTo(both, cell))).toEqual([true, true, false])
  provider.state.broken = { failed: 'no answer' }
  notified.length = 0
  publish(publishing([endpoint]))
  await pass(5_000)
  expect(remote.mayRouteTo(both, 'main-1')).toBe(true)
  provider.state.broken = undefined
  await pass(15_000)
  expect(remote.mayRouteTo(both, 'main-1')).toBe(false)
  expect(notified).toContain('main')
  provider.state.broken = { failed: 'no answer' }
  publish(both)
  await pass(1_000)
  publish(publishing([endpoint]))
  await pass(58_000)
  expect(remote.mayRouteTo(both, 'main-1')).toBe(true) // it may have received the request
  await pass(3_000)
  expect(remote.mayRouteTo(both, 'main-1')).toBe(false)
})

test('a realm without a remote provider that the operator is configured for is not routed to', async () => {
  const { remote } = anOperator(aProvider())
  expect(remote.mayRouteTo(publishing([endpoint], []), 'main-0')).toBe(false)
  expect(remote.mayRouteTo(publishing([endpoint], [{ url: 'http://unknown', ttlSeconds: 60 }]), 'main-0')).toBe(false)
})
