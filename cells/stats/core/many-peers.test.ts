import { expect, test, vi } from 'vitest'
import type { PeerId } from '../../wire/peer.ts'
import {
  byPeers,
  type IslandJson,
  islandById,
  islandsText,
  type PeerJson,
  parcelsJson,
  peersJson,
  peersText,
  peersTextByAddress,
} from './response-json.ts'
import { Snapshot } from './snapshot.ts'

const COUNT = 100_000
const OF_ISLAND = 100
const CELLS = 8
const peer = (n: number): PeerId => `0x${n.toString(16).padStart(40, '0')}`
const at = { epochMs: 1_000, monotonicMs: 0 }

/** A realm of 100 000 peers in cells, a hundred on each island and parcel. */
function aCrowdedRealm(): Snapshot {
  const snapshot = new Snapshot()
  for (let n = 0; n < COUNT; n++) {
    const parcel = Math.floor(n / OF_ISLAND)
    snapshot.recordHeartbeat(`${parcel % CELLS}`, peer(n), { x: parcel * 16 + 1, y: 0, z: -1 }, at)
  }
  for (let cell = 0; cell < CELLS; cell++) {
    const ids = Array.from({ length: COUNT / OF_ISLAND }, (_, parcel) => parcel).filter((parcel) => parcel % CELLS === cell)
    const islands = ids.map((parcel) => ({
      id: `I${parcel}`,
      maxPeers: OF_ISLAND,
      center: { x: parcel * 16 + 1, y: 0, z: -1 },
      radius: 0,
      peers: Array.from({ length: OF_ISLAND }, (_, n) => peer(parcel * OF_ISLAND + n)),
    }))
    snapshot.recordIslands(`${cell}`, islands, at)
  }
  return snapshot
}

const listOf = <Item>(pieces: Iterable<string>): Item[] => JSON.parse(`[${[...pieces].join('')}]`) as Item[]

test('100 000 peers are counted on their parcels and islands, and each is found by its id', () => {
  const snapshot = aCrowdedRealm()
  expect(snapshot.peerCount).toBe(COUNT)
  const peers = listOf<PeerJson>(peersText(snapshot))
  expect(peers).toHaveLength(COUNT)
  const sorted = listOf<PeerJson>(peersTextByAddress(snapshot))
  expect(sorted.map(({ id }) => id)).toEqual(peers.map(({ id }) => id).sort())
  const parcels = parcelsJson(snapshot).sort(byPeers)
  expect(parcels).toHaveLength(COUNT / OF_ISLAND)
  expect(parcels.every(({ peersCount }) => peersCount === OF_ISLAND)).toBe(true)
  expect(parcels.at(-1)?.parcel).toEqual({ x: COUNT / OF_ISLAND - 1, y: -1 })
  const islands = listOf<IslandJson>(islandsText(snapshot))
  expect([islands.length, islands.reduce((sum, { peers }) => sum + peers.length, 0)]).toEqual([COUNT / OF_ISLAND, COUNT])
  for (const n of [0, 54_321, COUNT - 1]) {
    expect(peersJson(snapshot, [peer(n)])).toMatchObject([{ id: peer(n), parcel: [Math.floor(n / OF_ISLAND), -1] }])
    const island = islandById(snapshot, `I${Math.floor(n / OF_ISLAND)}`)
    expect(island?.peers.map(({ id }) => id)).toContain(peer(n))
  }
  expect(islandById(snapshot, `I${COUNT}`)).toBeUndefined()
})

test('an island is found without a look at the others', () => {
  const snapshot = aCrowdedRealm()
  const all = vi.spyOn(snapshot, 'islands')
  expect(islandById(snapshot, 'I999')?.peers).toHaveLength(OF_ISLAND)
  expect(all).not.toHaveBeenCalled()
})
