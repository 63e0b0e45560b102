import { int, longer, NONE, real } from './columns.ts'
import type { PeerTable } from './peer-table.ts'

/** Tiles to look at on each side: a tile is a hair smaller than reach/√2, so two cover more than the reach. */
const SPAN = 2
const NEIGHBOURS = (2 * SPAN + 1) ** 2

/**
 * Where the islands that have room are: a hash grid of square tiles, each with the islands that have somebody there, each of these with its
 * peers there. Everybody in one tile touches everybody else in it, so dense places need next to no distance tests.
 */
export class Tiles {
  readonly #peers: PeerTable
  readonly #side: number
  readonly #reachSquared: number

  /** The hash table: slots of tiles, open addressing. */
  #table = new Int32Array(4096)
  #tiles = 0
  #east = new Int32Array(1024)
  #north = new Int32Array(1024)
  #first = new Int32Array(1024)

  /** A presence is an island in a tile. */
  presences = 0
  island = new Int32Array(1024)
  tile = new Int32Array(1024)
  next = new Int32Array(1024)
  #someone = new Int32Array(1024)
  /** By peer: who else of its island is in its tile. */
  #fellow = new Int32Array(1024)

  /** What `lookAround` found: slots of tiles. */
  readonly around = new Int32Array(NEIGHBOURS)
  aroundCount = 0
  #lookedFrom = NONE
  #lookedAt = 0

  /** @param reach metres at which two peers touch, at least 1 */
  constructor(peers: PeerTable, reach: number) {
    this.#peers = peers
    this.#side = reach * Math.SQRT1_2 * 0.99999
    this.#reachSquared = reach * reach
  }

  clear(): void {
    this.#table.fill(NONE)
    this.#tiles = 0
    this.presences = 0
    this.#lookedFrom = NONE
    if (this.#fellow.length < this.#peers.rows) this.#fellow = new Int32Array(this.#peers.rows * 2)
  }

  /** The tile somebody stands in. */
  tileOf(peer: number): number {
    return this.#tileAt(this.#toTile(real(this.#peers.x, peer)), this.#toTile(real(this.#peers.z, peer)))
  }

  firstIn(tile: number): number {
    return int(this.#first, tile)
  }

  /** Puts a peer that stands somewhere on the map, as a member of an island. */
  add(peer: number, island: number): void {
    const tile = this.tileOf(peer)
    let presence = int(this.#first, tile)
    // The members of an island are added one after the other, so it is the first here if it is here; to be here twice does no harm.
    if (presence === NONE || int(this.island, presence) !== island) presence = this.#enter(tile, island)
    this.#fellow[peer] = int(this.#someone, presence)
    this.#someone[presence] = peer
  }

  /** Takes the presence that follows `before` (NONE: the first) out of a tile; it finds nobody any more. */
  removeAfter(tile: number, before: number): void {
    if (before === NONE) this.#first[tile] = int(this.next, int(this.#first, tile))
    else this.next[before] = int(this.next, int(this.next, before))
  }

  /** Finds the tiles from which somebody may reach a tile: itself first, then its neighbours. */
  lookAround(tile: number): void {
    if (this.#lookedFrom === tile && this.#lookedAt === this.#tiles) return
    this.#lookedFrom = tile
    this.#lookedAt = this.#tiles
    this.around[0] = tile
    this.aroundCount = 1
    const east = int(this.#east, tile)
    const north = int(this.#north, tile)
    for (let dx = -SPAN; dx <= SPAN; dx++) {
      for (let dz = -SPAN; dz <= SPAN; dz++) {
        if (dx === 0 && dz === 0) continue
        const found = int(this.#table, this.#slotFor(east + dx, north + dz))
        if (found !== NONE) this.around[this.aroundCount++] = found
      }
    }
  }

  /** Whether a peer touches anybody of a presence. */
  reaches(peer: number, presence: number): boolean {
    const { x, z } = this.#peers
    const fromX = real(x, peer)
    const fromZ = real(z, peer)
    for (let other = int(this.#someone, presence); other !== NONE; other = int(this.#fellow, other)) {
      const dx = real(x, other) - fromX
      const dz = real(z, other) - fromZ
      if (dx * dx + dz * dz <= this.#reachSquared) return true
    }
    return false
  }

  /** Whether anybody of one presence touches anybody of another. */
  touch(one: number, other: number): boolean {
    if (int(this.tile, one) === int(this.tile, other)) return true
    for (let peer = int(this.#someone, one); peer !== NONE; peer = int(this.#fellow, peer))
      if (this.reaches(peer, other)) return true
    return false
  }

  #toTile(metres: number): number {
    return Math.floor(metres / this.#side)
  }

  #tileAt(east: number, north: number): number {
    const slot = this.#slotFor(east, north)
    const found = int(this.#table, slot)
    if (found !== NONE) return found
    const tile = this.#tiles++
    if (tile === this.#first.length) {
      this.#east = longer(this.#east, tile * 2)
      this.#north = longer(this.#north, tile * 2)
      this.#first = longer(this.#first, tile * 2)
    }
    this.#east[tile] = east
    this.#north[tile] = north
    this.#first[tile] = NONE
    if (this.#tiles * 3 > this.#table.length) this.#rehash()
    else this.#table[slot] = tile
    return tile
  }

  /** Where in the hash table a tile is, or would be. */
  #slotFor(east: number, north: number): number {
    const mask = this.#table.length - 1
    let hash = Math.imul(east, 0x9e3779b1) ^ Math.imul(north, 0x85ebca6b)
    hash ^= hash >>> 15
    let slot = hash & mask
    for (let tile = int(this.#table, slot); tile !== NONE; tile = int(this.#table, slot)) {
      if (int(this.#east, tile) === east && int(this.#north, tile) === north) return slot
      slot = (slot + 1) & mask
    }
    return slot
  }

  #rehash(): void {
    this.#table = new Int32Array(this.#table.length * 2).fill(NONE)
    for (let tile = 0; tile < this.#tiles; tile++)
      this.#table[this.#slotFor(int(this.#east, tile), int(this.#north, tile))] = tile
  }

  #enter(tile: number, island: number): number {
    const presence = this.presences++
    if (presence === this.island.length) {
      this.island = longer(this.island, presence * 2)
      this.tile = longer(this.tile, presence * 2)
      this.next = longer(this.next, presence * 2)
      this.#someone = longer(this.#someone, presence * 2)
    }
    this.island[presence] = island
    this.tile[presence] = tile
    this.next[presence] = int(this.#first, tile)
    this.#first[tile] = presence
    this.#someone[presence] = NONE
    return presence
  }
}
