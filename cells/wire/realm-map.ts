/** What happened in one cell since its statistics started. */
export interface CellActivityCounts {
  /** Peers that are there now. */
  readonly peers: number
  readonly heartbeats: number
  readonly joins: number
  readonly leaves: number
}

/** One cell on the map of a realm. */
export interface MapCell extends CellActivityCounts {
  slot: number
  healthy: boolean
  userCount: number
  islands: number
}

/** The largest islands come first. */
export interface MapIsland {
  id: string
  /** In metres, east and north. */
  center: readonly [number, number]
  /** In metres. */
  radius: number
  peers: number
}

/**
 * `/map` of the statistics of a realm: where its players are, in a size that does not grow with them, and without wallets. An addition
 * to upstream's API.
 */
export interface RealmMap {
  ok: true
  /** Changes when the statistics start anew, and their counts with them. */
  instance: string
  peers: number
  /** Side of a tile in parcels: 1, 2, 4 … */
  tile: number
  /** Of each tile with peers: its column, its row and its peers. Tile 0,0 has its south-west corner at parcel 0,0. */
  tiles: readonly number[]
  /** Of each peer: metres east, metres north, the place of its island in `islands` or -1. Absent where there are many peers. */
  dots?: readonly number[]
  islandCount: number
  islands: readonly MapIsland[]
  cells: readonly MapCell[]
}

/** Above so many peers a map has tiles only. */
export const MAX_DOTS = 5_000
export const MAX_TILES = 4_096
/** Islands on a map; the smaller ones are counted only. */
export const MAX_MAP_ISLANDS = 256
