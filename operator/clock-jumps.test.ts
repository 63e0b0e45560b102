import { expect, test } from 'vitest'
import { ManualClock } from '../cells/chassis/clock.ts'
import type { FetchResult } from '../cells/chassis/fetch-json.ts'
import { silentLog } from '../cells/chassis/log.ts'
import type { PublicationDocument } from '../crds/publication.ts'
import { aRealm, site } from './desired/realm.fixtures.ts'
import { EventRateLimit } from './events/event-rate-limit.ts'
import { EventRecorder, type RecorderOptions } from './events/recorder.ts'
import { Requeue } from './kubernetes/apply/requeue.ts'
import { BUDGET_WINDOW_MS, MAX_REPAIRS, WriteBudget } from './kubernetes/apply/write-budget.ts'
import { ReadYourWrites } from './kubernetes/cache/read-your-writes.ts'
import { soleLeadership } from './leader/leadership.ts'
import { PlayerCounts } from './observers/players/player-counts.ts'
import type { PublicationAnswer } from './observers/publication/publication-request.ts'
import { PublishedName } from './observers/publication/published-name.ts'
import { WorkQueue } from './reconcile/queue.ts'

const HOUR_MS = 3_600_000

/** What happens with one part of the operator when the time of day is set in the middle; the same as if it were not. */
type Scenario = (clock: ManualClock, jump: () => void) => unknown

const settle = () => new Promise<void>(setImmediate)

/** Lets time pass in steps, so that answers arrive in between. */
async function pass(clock: ManualClock, ms: number, stepMs = 250) {
  for (let at = 0; at < ms; at += stepMs) {
    clock.advance(stepMs)
    await settle()
  }
}

/** At which second of the clock something happened. */
const seconds = (clock: ManualClock) => Math.round(clock.monotonic() / 1000)

const scenarios: Record<string, { scenario: Scenario; outcome: unknown }> = {
  'of two delays of a key the one that ends earlier holds': {
    async scenario(clock, jump) {
      const passes: string[] = []
      const reconcile = async (key: string) => {
        passes.push(`${key} ${seconds(clock)}`)
        return 'on-change' as const
      }
      const queue = new WorkQueue({ reconcile, clock, log: silentLog })
      queue.start()
      queue.addAfter('sooner', 60_000)
      queue.addAfter('later', 5_000)
      jump()
      queue.addAfter('sooner', 20_000)
      queue.addAfter('later', 20_000)
      await pass(clock, 60_000)
      return passes
    },
    outcome: ['later 5', 'sooner 20'],
  },
  'failed passes share one rate': {
    async scenario(clock, jump) {
      const last = new Map<string, number>()
      const reconcile = async (key: string) => {
        const isSecond = last.has(key)
        last.set(key, seconds(clock))
        if (isSecond) return 'on-change' as const
        throw new Error('refused')
      }
      const queue = new WorkQueue({ reconcile, clock, log: silentLog })
      queue.start()
      for (let index = 0; index < 200; index++) queue.add(`${index}`)
      await settle()
      jump()
      for (let index = 200; index < 300; index++) queue.add(`${index}`)
      await pass(clock, 60_000)
      return [last.get('99'), last.get('199'), last.get('299')]
    },
    outcome: [0, 10, 20],
  },
  'of two delays of an object the one that ends earlier holds': {
    async scenario(clock, jump) {
      const due: string[] = []
      const requeue = new Requeue(clock)
      requeue.onDue((_, { name }) => due.push(`${name} ${seconds(clock)}`))
      requeue.after('Realm', { namespace: 'n', name: 'sooner' }, 60_000)
      requeue.after('Realm', { namespace: 'n', name: 'later' }, 5_000)
      jump()
      requeue.after('Realm', { namespace: 'n', name: 'sooner' }, 20_000)
      requeue.after('Realm', { namespace: 'n', name: 'later' }, 20_000)
      await pass(clock, 60_000)
      return due
    },
    outcome: ['later 5', 'sooner 20'],
  },
  'an own write overrides the cache for ten seconds': {
    async scenario(clock, jump) {
      const writes = new ReadYourWrites<{ uid: string; resourceVersion: string }>(clock)
      const [cached, written] = [1, 2].map((version) => ({ uid: 'u', resourceVersion: `${version}` }))
      await writes.track('a', async () => written)
      jump()
      const current = [writes.current('a', cached)]
      clock.advance(10_001)
      return [...current, writes.current('a', cached)].map((object) => object?.resourceVersion)
    },
    outcome: ['2', '1'],
  },
  'a contested object is written at most so often': {
    scenario(clock, jump) {
      const budget = new WriteBudget(clock)
      const waits = Array.from({ length: MAX_REPAIRS }, () => budget.take('Service/a', true))
      jump()
      return [...waits, budget.take('Service/a', true)]
    },
    outcome: [0, 0, BUDGET_WINDOW_MS],
  },
  'an object may have so many Events, then one a minute': {
    scenario(clock, jump) {
      const limit = new EventRateLimit(clock)
      const takeAll = () => Array.from({ length: 100 }, () => limit.take('a')).filter(Boolean).length
      const atFirst = takeAll()
      jump()
      const afterwards = takeAll()
      clock.advance(60_000)
      return [atFirst, afterwards, takeAll()]
    },
    outcome: [25, 0, 1],
  },
  'the same note within two minutes is one Event': {
    async scenario(clock, jump) {
      const sent: string[] = []
      const send = (verb: string) => async () => sent.push(verb)
      const client = { create: send('create'), merge: send('merge') } as unknown as RecorderOptions['client']
      const recorder = new EventRecorder({ client, leadership: soleLeadership, instance: 'o', clock, log: silentLog })
      const record = () =>
        recorder.record({ kind: 'Realm', namespace: 'n', name: 'main', uid: 'u' }, { reason: 'CellServing', note: 'it can' })
      record()
      jump()
      await pass(clock, 60_000)
      record()
      await pass(clock, 121_000)
      record()
      await settle()
      return sent
    },
    outcome: ['create', 'merge', 'create'],
  },
  'a published name counts as held until its lease ends, and its cells as routed to': {
    async scenario(clock, jump) {
      const held: PublicationAnswer = { status: 201, etag: '"1"', body: {} }
      let answer: PublicationAnswer = held
      const name = new PublishedName({
        provider: { url: 'https://realms.example.org', tokenFile: '/nowhere' },
        realmName: 'main',
        publisher: 'u',
        epoch: 1,
        clock,
        request: async () => answer,
        random: () => 0.5,
        onChange: () => {},
      })
      const published = (...cells: string[]) =>
        ({ ttlSeconds: 60, endpoints: cells.map((cell) => ({ cell })) }) as unknown as PublicationDocument
      const state = () => `${name.status.state} ${name.mayRouteTo('main-1')}`
      name.publish(published('main-0', 'main-1'))
      await pass(clock, 1_000)
      answer = { failed: 'no answer' }
      jump()
      const states = [state()]
      await pass(clock, 50_000)
      states.push(state())
      await pass(clock, 90_000)
      return [...states, state()]
    },
    outcome: ['held true', 'held true', 'unreachable true'],
  },
  'a peak needs counts for its whole window': {
    async scenario(clock, jump) {
      const answer = { ok: true, status: 200, body: { cells: [{ slot: 0, healthy: true, userCount: 7 }] } } as FetchResult
      const counts = new PlayerCounts({ log: silentLog, statsUrlOf: site.statsUrl, clock, fetch: async () => answer })
      const realm = aRealm({ autoscale: { playersPerConnector: 9, connectors: { min: 1, max: 2 }, scaleDownAfterSeconds: 60 } })
      const peak = () => counts.get(realm.metadata)?.peak?.total
      counts.watch(realm)
      await pass(clock, 30_000)
      jump()
      const early = peak()
      await pass(clock, 60_000)
      return [early, peak()]
    },
    outcome: [undefined, 7],
  },
}

for (const [title, { scenario, outcome }] of Object.entries(scenarios))
  test.each([
    ['is not set', 0],
    ['is set back', -HOUR_MS],
    ['is set forward', HOUR_MS],
  ])(`${title}, when the time of day %s`, async (_, byMs) => {
    const clock = new ManualClock()
    expect(await scenario(clock, () => clock.jump(byMs))).toEqual(outcome)
  })
