import { expect, test } from 'vitest'
import { encodeArea, encodeIsland, encodeMembers } from './island-report.ts'
import { busPayloads } from './packets.ts'
import type { PeerId } from './peer.ts'

const address = (n: number): PeerId => `0x${n.toString(16).padStart(40, '0')}`
const addresses = (count: number) => Array.from({ length: count }, (_, n) => address(n * 7919))

test.each([
  { id: 'island-mgx3k2p1f9-1', peers: addresses(100), center: { x: -12_345.5, y: 0, z: 98_765.25 }, radius: 123.5 },
  { id: 'I1', peers: addresses(1), center: { x: 0, y: 0, z: 0 }, radius: 0 },
  { id: 'no-position', peers: addresses(1), center: undefined, radius: 0 },
  { id: 'empty', peers: [], center: undefined, radius: 0 },
  { id: 'crowded', peers: addresses(10_000), center: { x: 1, y: 0, z: 2 }, radius: 3 },
])('decoders of the protocol read island $id, which was encoded in pieces', ({ id, peers, center, radius }) => {
  const island = encodeIsland(encodeMembers(id, peers, 100), encodeArea(center, radius))
  const report = Buffer.concat([...island, ...island])
  const read = { id, peers, maxPeers: 100, center, radius }
  expect(busPayloads.decodeIslands(report)).toEqual({ data: [read, read] })
})
