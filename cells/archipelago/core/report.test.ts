import { expect, test } from 'vitest'
import { busPayloads } from '../../wire/packets.ts'
import { at, peerId } from './fixtures.ts'
import type { IslandView } from './islands.ts'
import { islandsReport } from './report.ts'

const islands = (count: number, peersEach: number): IslandView[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `island-mgx3k2p1f9-${i.toString(36)}`,
    peers: Array.from({ length: peersEach }, (_, n) => peerId(i * peersEach + n)),
    center: at(-12_345.678, 98_765.432),
    radius: 123.456,
  }))

test('a report that fits is one message, also without islands', () => {
  expect(islandsReport([], 100, 10_000)).toEqual([{ data: [] }])
  expect(islandsReport(islands(10, 10), 100, 10_000)).toHaveLength(1)
})

test('a longer one takes several, of which each fits and none is empty; together they say everything, in order', () => {
  const all = islands(100, 10)
  const messages = islandsReport(all, 100, 10_000)
  for (const message of messages) {
    expect(message.data.length).toBeGreaterThan(0)
    expect(busPayloads.encodeIslands(message).length).toBeLessThanOrEqual(10_000)
  }
  expect(messages.length).toBe(6)
  expect(messages.flatMap(({ data }) => data)).toEqual(all.map((island) => ({ ...island, maxPeers: 100 })))
})

test('an island nowhere has no centre, and is reported all the same', () => {
  const nowhere = { id: 'i', peers: [peerId(1)], center: undefined, radius: 0 }
  const [message = { data: [] }] = islandsReport([nowhere], 100, 1_000)
  expect(busPayloads.decodeIslands(busPayloads.encodeIslands(message))?.data).toEqual([{ ...nowhere, maxPeers: 100 }])
})
