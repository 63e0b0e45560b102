import { describe, expect, test } from 'vitest'
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

describe.each([
  ['full', 10, 10],
  ['compact', 100, 10],
  ['cut', 1_000, 1],
])('a report that can only be %s', (form, count, peersEach) => {
  test('says so and fits', () => {
    const report = islandsReport(islands(count, peersEach), 100, 10_000)
    expect(report.form).toBe(form)
    expect(busPayloads.encodeIslands(report.message).length).toBeLessThanOrEqual(10_000)
    expect(report.message.data.length).toBe(form === 'cut' ? 147 : count)
    expect(report.message.data[0]?.peers.length).toBe(form === 'full' ? peersEach : 0)
  })
})

test('an island nowhere has no centre, and is reported all the same', () => {
  const nowhere = { id: 'i', peers: [peerId(1)], center: undefined, radius: 0 }
  const { message } = islandsReport([nowhere], 100, 1_000)
  expect(busPayloads.decodeIslands(busPayloads.encodeIslands(message))?.data).toEqual([{ ...nowhere, maxPeers: 100 }])
})
