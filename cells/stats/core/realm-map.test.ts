import { expect, test } from 'vitest'
import { parsePeerId } from '../../wire/peer.ts'
import { MAX_DOTS, MAX_MAP_ISLANDS, MAX_TILES } from '../../wire/realm-map.ts'
import { realmMap } from './realm-map.ts'
import { PEER_EXPIRY_MS, Snapshot } from './snapshot.ts'

const at = (ms: number) => ({ epochMs: ms, monotonicMs: ms })
const peerId = (n: number) => {
  const id = parsePeerId(`0x${n.toString(16).padStart(40, '0')}`)
  if (!id) throw new Error('no such wallet')
  return id
}
const place = (x: number, z: number) => ({ x, y: 0, z })

test('the map shows each peer and its island, and counts by parcel', () => {
  const snapshot = new Snapshot()
  snapshot.recordHeartbeat('realms.main.1', peerId(1), place(8, 8), at(0))
  snapshot.recordHeartbeat('realms.main.1', peerId(2), place(-1, 3.4), at(0))
  snapshot.recordHeartbeat('realms.main.1', peerId(3), place(9, 9), at(0))
  snapshot.recordDiscovery('realms.main.1', 3, at(0))
  const island = { id: 'I1', maxPeers: 100, center: place(8.4, 8), radius: 2, peers: [peerId(1), peerId(3)] }
  snapshot.recordIslands('realms.main.1', [island], at(0))
  expect(realmMap(snapshot, 'a', 0)).toEqual({
    ok: true,
    instance: 'a',
    peers: 3,
    tile: 1,
    tiles: [0, 0, 2, -1, 0, 1],
    dots: [8, 8, 0, -1, 3, -1, 9, 9, 0],
    islandCount: 1,
    islands: [{ id: 'I1', center: [8, 8], radius: 2, peers: 2 }],
    cells: [{ slot: 1, healthy: true, userCount: 3, islands: 1, peers: 3, heartbeats: 3, joins: 3, leaves: 0 }],
  })
})

test('the map of a hundred thousand peers in as many parcels has no wallets, and is no longer than that of a few thousand', () => {
  const snapshot = new Snapshot()
  for (let n = 0; n < 100_000; n++) {
    snapshot.recordHeartbeat('realms.main.0', peerId(n), place((n % 320) * 16 - 2_560, Math.floor(n / 320) * 16 - 2_560), at(0))
  }
  const islands = Array.from({ length: 1_000 }, (_, n) => ({
    id: `I${n}`,
    maxPeers: 100,
    center: place(0, 0),
    radius: 1,
    peers: [],
  }))
  snapshot.recordIslands('realms.main.0', islands, at(0))
  const map = realmMap(snapshot, 'a', 0)
  expect(snapshot.peerCount).toBeGreaterThan(MAX_DOTS)
  expect(map.dots).toBeUndefined()
  expect(map.tile).toBe(8)
  expect(map.tiles.length / 3).toBeLessThanOrEqual(MAX_TILES)
  expect(map.tiles.reduce((sum, value, index) => sum + (index % 3 === 2 ? value : 0), 0)).toBe(100_000)
  expect([map.islandCount, map.islands.length]).toEqual([1_000, MAX_MAP_ISLANDS])
  expect(JSON.stringify(map).length).toBeLessThan(128 * 1024)
})

test('a peer that says it is far outside every realm is counted but not on the map', () => {
  const snapshot = new Snapshot()
  snapshot.recordHeartbeat('realms.main.0', peerId(1), place(1e30, -1e30), at(0))
  expect(realmMap(snapshot, 'a', 0)).toMatchObject({ peers: 1, tiles: [] })
})

test('joins, leaves and heartbeats are counted by cell, also of peers that change the cell or fall silent', () => {
  const snapshot = new Snapshot()
  for (const slot of [0, 1]) snapshot.recordDiscovery(`realms.main.${slot}`, 0, at(0))
  snapshot.recordHeartbeat('realms.main.0', peerId(1), place(0, 0), at(0))
  snapshot.recordHeartbeat('realms.main.0', peerId(1), place(0, 0), at(1))
  snapshot.recordHeartbeat('realms.main.0', peerId(2), place(0, 0), at(1))
  snapshot.recordHeartbeat('realms.main.1', peerId(1), place(0, 0), at(2))
  snapshot.recordDisconnect('realms.main.0', peerId(2), at(3))
  const cells = (nowMs: number) => realmMap(snapshot, 'a', nowMs).cells
  expect(cells(3)).toMatchObject([
    { slot: 0, peers: 0, heartbeats: 3, joins: 2, leaves: 2 },
    { slot: 1, peers: 1, heartbeats: 1, joins: 1, leaves: 0 },
  ])
  snapshot.expire(3 + PEER_EXPIRY_MS)
  expect(cells(4 + PEER_EXPIRY_MS)[1]).toMatchObject({ peers: 0, leaves: 1 })
})
