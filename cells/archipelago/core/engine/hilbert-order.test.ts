import { expect, test } from 'vitest'
import { peerId, seededRandom } from '../fixtures.ts'
import { HilbertOrder, hilbertKey } from './hilbert-order.ts'
import { PeerTable } from './peer-table.ts'

test('one step along the curve is one step on the ground: there is no jump', () => {
  const side = 64
  const steps: { x: number; z: number; along: number }[] = []
  for (let x = 0; x < side; x++) for (let z = 0; z < side; z++) steps.push({ x, z, along: hilbertKey(x / 8, z / 8) >>> 0 })
  steps.sort((a, b) => a.along - b.along)
  for (const [i, { x, z, along }] of steps.entries()) {
    expect(along).toBe(i)
    const before = steps[i - 1]
    if (before) expect(Math.abs(x - before.x) + Math.abs(z - before.z)).toBe(1)
  }
})

test('sorts like a comparison sort, and peers with equal keys keep their order', () => {
  const random = seededRandom(11)
  const peers = new PeerTable()
  const rows = Int32Array.from({ length: 5_000 }, (_, n) => {
    const row = peers.add(peerId(n))
    peers.move(row, { x: Math.floor((random() - 0.5) * 60) * 40, y: 0, z: Math.floor((random() - 0.5) * 60) * 40 })
    return row
  })
  const place = (row: number) => hilbertKey(peers.positionOf(row).x, peers.positionOf(row).z) >>> 0
  const expected = [...rows].sort((a, b) => place(a) - place(b))
  const curve = new HilbertOrder(peers)
  curve.sort(rows, rows.length)
  expect([...rows]).toEqual(expected)
  expect(Array.from(curve.keys.subarray(0, 5_000), (at) => at >>> 0)).toEqual(expected.map(place))
})
