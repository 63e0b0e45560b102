import { expect, test } from 'vitest'
import type { Moment } from '../../chassis/clock.ts'
import type { PeerId } from '../../wire/peer.ts'
import { CELL_SILENCE_MS, MAX_CELLS, MAX_KNOWN_PEERS, PEER_EXPIRY_MS, Snapshot } from './snapshot.ts'

const peer = (n: number): PeerId => `0x${n.toString(16).padStart(40, '0')}`
/** A moment by both clocks, whose difference is no business of the snapshot. */
const at = (ms: number): Moment => ({ epochMs: 5_000_000 + ms, monotonicMs: ms })
const HERE = { x: 0, y: 0, z: 0 }

test('a peer expires one millisecond after its time-out', () => {
  const snapshot = new Snapshot()
  snapshot.recordHeartbeat('', peer(1), HERE, at(1000))
  expect(snapshot.expire(1000 + PEER_EXPIRY_MS)).toBe(0)
  expect(snapshot.expire(1001 + PEER_EXPIRY_MS)).toBe(1)
  expect(snapshot.peerCount).toBe(0)
})

test('the islands of a silent archipelago are dropped', () => {
  const snapshot = new Snapshot()
  snapshot.recordIslands('a', [{ id: 'I1', maxPeers: 1, center: HERE, radius: 0, peers: [] }], at(0))
  snapshot.expire(CELL_SILENCE_MS - 1)
  expect([...snapshot.islands()]).toHaveLength(1)
  snapshot.expire(CELL_SILENCE_MS)
  expect([...snapshot.islands()]).toEqual([])
})

test('peers and cells are limited in number, and known ones are always updated', () => {
  const snapshot = new Snapshot()
  for (let n = 0; n < MAX_KNOWN_PEERS; n++) snapshot.recordHeartbeat('', peer(n), HERE, at(0))
  expect(snapshot.recordHeartbeat('', peer(MAX_KNOWN_PEERS), HERE, at(0))).toBe(false)
  expect(snapshot.recordHeartbeat('', peer(7), HERE, at(0))).toBe(true)
  expect(snapshot.peerCount).toBe(MAX_KNOWN_PEERS)
  for (let n = 0; n < MAX_CELLS; n++) expect(snapshot.recordDiscovery(`c.${n}`, 1, at(0))).toBe(true)
  expect(snapshot.recordDiscovery('one.more', 1, at(0))).toBe(false)
  expect(snapshot.recordIslands('one.more', [], at(0))).toBe(false)
  expect(snapshot.recordIslands('c.0', [], at(0))).toBe(true)
})

test('the revision changes only when the routes would show something else', () => {
  const snapshot = new Snapshot()
  snapshot.recordHeartbeat('', peer(1), HERE, at(0))
  const before = snapshot.revision
  snapshot.recordDisconnect('other', peer(1), at(0))
  snapshot.recordDisconnect('', peer(2), at(0))
  snapshot.recordDiscovery('', 1, at(0))
  snapshot.expire(1)
  expect(snapshot.revision).toBe(before)
  snapshot.recordDisconnect('', peer(1), at(0))
  expect(snapshot.revision).toBeGreaterThan(before)
})
