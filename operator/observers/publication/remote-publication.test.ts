import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import type { Realm } from '../../../crds/realm.ts'
import { aRealm } from '../../desired/fixtures.ts'
import type { PublicationAnswer, PublicationRequest } from './publication-request.ts'
import { createLeased } from './remote-publication.ts'

const url = 'https://realms.example.org'
const endpoint = { slot: 0, adapter: 'archipelago:archipelago:wss://h/cells/0/ws', cell: 'main-0', state: 'Serving' as const }
const publishing = (endpoints = [endpoint], providers = [{ url, ttlSeconds: 60 }]): Realm => ({
  ...aRealm({ publication: { providers } }),
  status: { endpoints },
})

/** A provider of one name that keeps to the protocol, or does not. */
function aProvider() {
  const state = {
    held: undefined as { publisher: string; etag: string; endpoints: number; epoch?: number } | undefined,
    broken: undefined as PublicationAnswer | undefined,
    count: 0,
    asked: [] as string[],
  }
  const answer = (status: number): PublicationAnswer => ({
    status,
    etag: state.held?.etag,
    body: status === 409 ? { holder: 'far/away' } : { publisher: state.held?.publisher, epoch: state.held?.epoch },
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
  const woken: string[] = []
  const leased = createLeased({
    providers: [{ url, tokenFile: '/nowhere' }],
    clock,
    epoch,
    ask: async (_, request) => handle(request),
    random: () => 0.5,
  })
  leased.onChange(({ name }) => woken.push(name))
  const pass = async (ms: number) => {
    for (let at = 0; at < ms; at += 25) {
      clock.advance(25)
      await new Promise(setImmediate)
    }
  }
  return { leased, woken, pass, clock }
}

test('a name is taken, told of, and renewed three times before it would end', async () => {
  const provider = aProvider()
  const { leased, woken, pass } = anOperator(provider)
  expect(leased.publish(publishing())).toEqual([{ url, state: 'pending' }])
  await pass(100)
  expect(leased.publish(publishing())).toEqual([{ url, state: 'held' }])
  expect(woken).toEqual(['main'])
  await pass(60_000)
  expect(provider.state.asked).toEqual(['PUT', 'PUT', 'PUT', 'PUT'].slice(0, provider.state.asked.length))
  expect(provider.state.asked.length).toBeGreaterThanOrEqual(3)
  expect(woken).toEqual(['main'])
})

test('a cell that leaves is out of the publication at once, and the last one gives the name back', async () => {
  const provider = aProvider()
  const { leased, pass } = anOperator(provider)
  const second = { ...endpoint, slot: 1, cell: 'main-1' }
  leased.publish(publishing([endpoint, second]))
  await pass(100)
  expect(provider.state.held?.endpoints).toBe(2)
  leased.publish(publishing([endpoint]))
  await pass(50)
  expect(provider.state.held?.endpoints).toBe(1)
  leased.publish(publishing([]))
  await pass(50)
  expect(provider.state.held).toBeUndefined()
  await pass(120_000)
  expect(provider.state.asked.at(-1)).toBe('DELETE')
})

test('a successor takes over what its predecessor leased, and one that was asleep learns that it did', async () => {
  const provider = aProvider()
  const [old, successor] = [anOperator(provider), anOperator(provider)]
  old.leased.publish(publishing())
  await old.pass(100)
  successor.leased.publish(publishing())
  await successor.pass(500)
  expect(successor.leased.publish(publishing())).toEqual([{ url, state: 'held' }])
  expect(provider.state.asked).toEqual(['PUT', 'PUT', 'GET', 'PUT'])
})

test('a name somebody else has is told with who has it, and taken once it is free', async () => {
  const provider = aProvider()
  provider.state.held = { publisher: 'another', etag: '"x"', endpoints: 1 }
  const { leased, pass } = anOperator(provider)
  leased.publish(publishing())
  await pass(100)
  expect(leased.publish(publishing())).toEqual([{ url, state: 'taken', holder: 'far/away' }])
  provider.state.held = undefined
  await pass(15_000)
  expect(leased.publish(publishing())).toEqual([{ url, state: 'held' }])
})

test('a provider out of reach loses the realm only when its time is over', async () => {
  const provider = aProvider()
  const { leased, woken, pass } = anOperator(provider)
  leased.publish(publishing())
  await pass(100)
  provider.state.broken = { failed: 'connect ECONNREFUSED' }
  await pass(45_000)
  expect(leased.publish(publishing())).toEqual([{ url, state: 'held' }])
  await pass(45_000)
  expect(leased.publish(publishing())).toEqual([{ url, state: 'unreachable', message: 'connect ECONNREFUSED' }])
  provider.state.broken = { status: 500, etag: undefined, body: undefined }
  await pass(45_000)
  expect(leased.publish(publishing())).toMatchObject([{ message: 'connect ECONNREFUSED' }])
  expect(woken).toHaveLength(2)
  provider.state.broken = undefined
  provider.state.held = undefined // its time was over
  await pass(20_000)
  expect(leased.publish(publishing())).toEqual([{ url, state: 'held' }])
})

test('a realm that goes gives its name back, also one that another operator took', async () => {
  const provider = aProvider()
  await (async () => {
    const { leased, pass } = anOperator(provider)
    leased.publish(publishing())
    await pass(100)
    await leased.stop()
  })()
  const { leased, woken, pass } = anOperator(provider)
  expect(leased.withdraw(publishing())).toBe(false)
  await pass(500)
  expect(leased.withdraw(publishing())).toBe(true)
  expect([woken, provider.state.held]).toEqual([['main'], undefined])
})

test('a realm that goes leaves alone what somebody else has', async () => {
  const provider = aProvider()
  provider.state.held = { publisher: 'another', etag: '"x"', endpoints: 1 }
  const { leased, pass } = anOperator(provider)
  leased.withdraw(publishing())
  await pass(2_000)
  expect(leased.withdraw(publishing())).toBe(true)
  expect(provider.state.held.publisher).toBe('another')
  expect(provider.state.asked).not.toContain('DELETE')
})

test('a provider that is taken out of the spec gets the name back', async () => {
  const provider = aProvider()
  const { leased, pass } = anOperator(provider)
  leased.publish(publishing())
  await pass(100)
  expect(leased.publish(publishing([endpoint], []))).toEqual([])
  await pass(100)
  expect(provider.state.held).toBeUndefined()
})

test('a provider the operator was not installed with is not spoken to', async () => {
  const provider = aProvider()
  const { leased, pass } = anOperator(provider)
  const elsewhere = publishing([endpoint], [{ url: 'http://inside.cluster', ttlSeconds: 60 }])
  expect(leased.publish(elsewhere)).toEqual([{ url: 'http://inside.cluster', state: 'notConfigured' }])
  expect(leased.withdraw(elsewhere)).toBe(true)
  await pass(10_000)
  expect(provider.state.asked).toEqual([])
})

test('who stops neither renews nor gives back', async () => {
  const provider = aProvider()
  const { leased, pass } = anOperator(provider)
  leased.publish(publishing())
  await pass(100)
  await leased.stop()
  await pass(120_000)
  expect(provider.state.asked).toEqual(['PUT'])
})

test('one that led earlier yields to whoever led later, asks seldom, and goes on once that one’s word has ended', async () => {
  const provider = aProvider()
  const [old, successor] = [anOperator(provider, 1), anOperator(provider, 2)]
  old.leased.publish(publishing())
  await old.pass(100)
  const second = { ...endpoint, slot: 1, cell: 'main-1' }
  successor.leased.publish(publishing([endpoint, second]))
  await successor.pass(500)
  provider.state.asked.length = 0
  old.leased.publish(publishing([]))
  await old.pass(30_000)
  old.leased.publish(publishing([endpoint]))
  await old.pass(30_000)
  expect(provider.state.held?.endpoints).toBe(2)
  expect(provider.state.asked.length).toBeLessThan(16)
  expect(old.leased.publish(publishing([endpoint]))).toMatchObject([
    { state: 'unreachable', message: expect.stringContaining('led later') },
  ])
  provider.state.held = undefined
  await old.pass(20_000)
  expect(old.leased.publish(publishing([endpoint]))).toMatchObject([{ state: 'held' }])
})

test('players may be led to a cell until the provider confirmed that they are not, or what it was told has ended', async () => {
  const provider = aProvider()
  const { leased, woken, pass } = anOperator(provider)
  const second = { ...endpoint, slot: 1, cell: 'main-1' }
  const both = publishing([endpoint, second])
  expect(leased.mayLeadTo(both, 'main-1')).toBe(true) // who led before us may have told them
  leased.publish(both)
  await pass(100)
  expect(['main-0', 'main-1', 'main-2'].map((cell) => leased.mayLeadTo(both, cell))).toEqual([true, true, false])
  provider.state.broken = { failed: 'no answer' }
  woken.length = 0
  leased.publish(publishing([endpoint]))
  await pass(5_000)
  expect(leased.mayLeadTo(both, 'main-1')).toBe(true)
  provider.state.broken = undefined
  await pass(15_000)
  expect(leased.mayLeadTo(both, 'main-1')).toBe(false)
  expect(woken).toContain('main')
  provider.state.broken = { failed: 'no answer' }
  leased.publish(both)
  await pass(1_000)
  leased.publish(publishing([endpoint]))
  await pass(58_000)
  expect(leased.mayLeadTo(both, 'main-1')).toBe(true) // it may have heard without a word
  await pass(3_000)
  expect(leased.mayLeadTo(both, 'main-1')).toBe(false)
})

test('a realm that is published nowhere else, or where nobody speaks to, leads nobody', async () => {
  const { leased } = anOperator(aProvider())
  expect(leased.mayLeadTo(publishing([endpoint], []), 'main-0')).toBe(false)
  expect(leased.mayLeadTo(publishing([endpoint], [{ url: 'http://unknown', ttlSeconds: 60 }]), 'main-0')).toBe(false)
})
