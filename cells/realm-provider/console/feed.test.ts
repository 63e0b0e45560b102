import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { silentLog } from '../../chassis/log.ts'
import { factsOf } from '../core/realm-facts.ts'
import { aRealm } from '../fixtures.ts'
import { ConsoleFeed } from './feed.ts'
import { aMap, someSources } from './fixtures.ts'
import type { ViewerLimits } from './viewers.ts'

interface FeedEvent {
  name: string
  data: {
    set: Record<string, unknown>
    gone: string[]
    series: Record<string, unknown>
    points?: Record<string, number>
    realm?: string
  }
}

/** The response of one viewer, which takes what it is sent unless it `isFull`. */
class Screen extends EventEmitter {
  readonly parts: Buffer[] = []
  isFull = false
  isDestroyed = false
  hasEnded = false

  write(bytes: Buffer): boolean {
    this.parts.push(bytes)
    return !this.isFull
  }

  end(): void {
    this.hasEnded = true
  }

  destroy(): void {
    this.isDestroyed = true
    this.emit('close')
  }

  drain(): void {
    this.isFull = false
    this.emit('drain')
  }

  get events(): FeedEvent[] {
    return this.parts.map((part) => {
      const [, name = '', data = '{}'] = /^event: (\w+)\ndata: (.*)\n\n$/.exec(part.toString()) ?? []
      return { name, data: JSON.parse(data) as FeedEvent['data'] }
    })
  }
}

function aFeed(limits?: ViewerLimits) {
  const parts = someSources()
  const feed = new ConsoleFeed(parts.sources, silentLog, limits)
  parts.clock.advance(0)
  const watch = (address = '192.0.2.1', realm?: string) => {
    const screen = new Screen()
    feed.view(screen as unknown as ServerResponse, address, realm)
    return screen
  }
  return { ...parts, feed, watch }
}

test('a viewer is sent everything, and then each second what changed', () => {
  const { clock, players, watch } = aFeed()
  const screen = watch()
  const [first] = screen.events
  expect(first?.name).toBe('snapshot')
  expect(Object.keys(first?.data.set ?? {})).toEqual(
    expect.arrayContaining(['summary', 'problems', 'realm/realms/main', 'live/realms/main']),
  )
  expect(first?.data.set.summary).toMatchObject({
    players: 3,
    realms: 1,
    healthy: 1,
    latency: { of: 'statistics of main', ms: 12 },
  })
  clock.advance(1_000)
  players.count = 4
  clock.advance(1_000)
  clock.advance(1_000)
  const [, , changed, same] = screen.events
  expect(changed?.data.set).toMatchObject({ summary: { players: 4 }, 'live/realms/main': { players: 4 } })
  expect(changed?.data.set['realm/realms/main']).toBeUndefined()
  expect(same?.data.set).toEqual({})
})

test('all viewers are sent the same bytes, and nothing is made without a viewer', () => {
  const { clock, sources, watch } = aFeed()
  const screens = Array.from({ length: 16 }, () => watch('192.0.2.1', 'realms/main'))
  clock.advance(1_000)
  const [one, ...others] = screens.map(({ parts }) => parts.at(-1))
  for (const bytes of others) expect(bytes).toBe(one)
  const snapshots = new Set(screens.map(({ parts }) => parts[0]))
  expect(snapshots.size).toBe(1)
  for (const screen of screens) screen.emit('close')
  let asked = 0
  sources.services.statuses = () => {
    asked++
    return []
  }
  clock.advance(4_000)
  expect(asked).toBeLessThanOrEqual(1)
})

test('a realm that is removed is gone from the page', () => {
  const { clock, facts, watch } = aFeed()
  const screen = watch()
  facts.splice(0)
  clock.advance(1_000)
  expect(screen.events.at(-1)?.data.gone).toEqual(['realm/realms/main', 'live/realms/main'])
})

test('a map goes to those who look at its realm, also to those who come between two maps', () => {
  const { arrive, watch } = aFeed()
  const [there, other] = [watch('a', 'realms/main'), watch('b', 'realms/other')]
  expect(there.events.map(({ name }) => name)).toEqual(['snapshot', 'map'])
  arrive(aMap({ peers: 7 }))
  expect(there.events.at(-1)).toMatchObject({ name: 'map', data: { realm: 'realms/main', map: { peers: 7 } } })
  expect(other.events.map(({ name }) => name)).toEqual(['snapshot'])
})

test('a slow viewer is sent nothing more until it has caught up, then everything; a dead one is disconnected', () => {
  const { clock, feed, players, watch } = aFeed()
  const [slow, quick] = [watch('a'), watch('b')]
  slow.isFull = true
  clock.advance(1_000)
  const taken = slow.parts.length
  players.count = 9
  clock.advance(20_000)
  expect(slow.parts.length).toBe(taken)
  expect(quick.parts.length).toBe(taken + 20)
  slow.drain()
  expect(slow.events.at(-1)).toMatchObject({ name: 'snapshot', data: { set: { summary: { players: 9 } } } })
  slow.isFull = true
  clock.advance(40_000)
  expect([slow.isDestroyed, feed.viewers]).toEqual([true, 1])
})

test('a viewer whose buffer is shorter than everything is sent it once, and takes it without being sent it again', () => {
  const { clock, watch } = aFeed()
  const screen = watch('a')
  for (let second = 0; second < 5; second++) {
    screen.isFull = true
    clock.advance(1_000)
    screen.emit('drain')
  }
  expect(screen.events.filter(({ name }) => name === 'snapshot')).toHaveLength(1)
  expect(screen.events.filter(({ name }) => name === 'delta')).toHaveLength(5)
})

test('there are as many viewers as allowed, of one address and of all, and room again when one leaves', () => {
  const { feed, watch } = aFeed({ total: 3, perAddress: 2 })
  const first = watch('a')
  watch('a')
  expect([feed.hasRoom('a'), feed.hasRoom('b')]).toEqual([false, true])
  watch('b')
  expect(feed.hasRoom('c')).toBe(false)
  first.emit('close')
  expect([feed.hasRoom('a'), feed.hasRoom('c')]).toEqual([true, true])
})

test('rates of ten minutes are there for each viewer who comes, and grow by a point every five seconds', () => {
  const { clock, sources, polled, watch } = aFeed()
  polled.rates = [{ slot: 0, healthy: true, players: 3, islands: 1, heartbeats: 30, joins: 0.5, leaves: undefined }]
  for (let n = 0; n < 10; n++) sources.tally.refused(polled.realm)
  clock.advance(5_000)
  const screen = watch()
  const [first] = screen.events
  expect(first?.data.series).toMatchObject({
    players: expect.arrayContaining([3]),
    refusals: expect.arrayContaining([2]),
    'r/realms/main/refusals': expect.arrayContaining([2]),
    'c/realms/main/0/heartbeats': expect.arrayContaining([30]),
  })
  expect(first?.data.series['c/realms/main/0/leaves']).toBeUndefined()
  clock.advance(5_000)
  const points = screen.events.filter(({ data }) => data.points)
  expect(points).toHaveLength(1)
  expect(points[0]?.data.points).toMatchObject({ players: 3, refusals: 0 })
})

test('what a person should know is listed with its age', () => {
  const { clock, facts, polled, watch } = aFeed()
  const realm = aRealm()
  const condition = {
    type: 'Ready',
    status: 'False' as const,
    reason: 'CellsNotReady',
    message: 'no cell',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  }
  facts[0] = factsOf({ ...realm, status: { ...realm.status, conditions: [condition] } })
  polled.failingSince = clock.now() - 20_000
  polled.problem = 'time-out'
  const [first] = watch().events
  expect(first?.data.set.problems).toMatchObject({
    problems: [
      { severity: 'error', realm: 'realms/main', reason: 'CellsNotReady', since: '2026-01-01T00:00:00Z' },
      { severity: 'warning', reason: 'NoMap', since: new Date(clock.now() - 20_000).toISOString() },
    ],
  })
  expect(first?.data.set.changes).toMatchObject([{ type: 'Ready', at: '2026-01-01T00:00:00Z' }])
})

test('any number of requests for all of the data in one second has it made once', () => {
  const { clock, feed, sources, players } = aFeed()
  let made = 0
  sources.services.statuses = () => {
    made++
    return []
  }
  clock.advance(1_000)
  feed.snapshotJson()
  const once = made
  expect(once).toBeGreaterThan(0)
  for (let n = 0; n < 100; n++) feed.snapshotJson()
  expect(made).toBe(once)
  players.count = 5
  clock.advance(1_000)
  expect(JSON.parse(feed.snapshotJson())).toMatchObject({ set: { summary: { players: 5 } } })
})

test('what a source throws costs one second of the page, and not the process', () => {
  const { clock, sources, players, watch } = aFeed()
  const screen = watch()
  sources.services.statuses = () => {
    throw new Error('a bug')
  }
  clock.advance(1_000)
  sources.services.statuses = () => []
  players.count = 6
  clock.advance(1_000)
  expect(screen.events.at(-1)?.data.set).toMatchObject({ summary: { players: 6 } })
})

test('stopping ends every stream', async () => {
  const { feed, watch } = aFeed()
  const screen = watch()
  await feed.stop()
  expect([screen.hasEnded, feed.viewers]).toEqual([true, 0])
})
