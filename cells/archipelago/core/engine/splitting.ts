import { int, NONE, real } from './columns.ts'
import type { IslandTable } from './island-table.ts'
import type { MemberSnapshot } from './member-snapshot.ts'
import type { PeerTable } from './peer-table.ts'

const NO_COMPONENTS: number[][] = []
/** Squares on each side of the grid; the outermost ones are unbounded. */
const SQUARES_PER_SIDE = 16

/**
 * Finds the connected components of an island, whose members are connected by hops of at most `reach` metres (clustering.md
 * §5.3). Each member has a link to another one in reach, and links never form a cycle: while all members but one have a link, the
 * island is connected, and one distance per member proves it. Members that lost their link search for another hop around them, in
 * a grid of squares as wide as the reach. Members have numbers from 0, their indices in the snapshot minus that of the first.
 */
export class Splitting {
  readonly #peers: PeerTable
  readonly #islands: IslandTable
  readonly #snapshot: MemberSnapshot
  readonly #reachSquared: number
  /** Squares per metre: slightly less than one per reach, so that a hop ends in the same or a neighbouring square. */
  readonly #perMetre: number
  /** Union-find, by number: another member of the same component, and so on up to its root, which has itself. */
  #root = new Int32Array(128)
  /** By root: the members of its component. */
  #sizes = new Int32Array(128)
  #square = new Int32Array(128)
  /** Members square by square, column by column: position and number. */
  #x = new Float64Array(128)
  #z = new Float64Array(128)
  #number = new Int32Array(128)
  /** By square, from 1 on: the end of its members, which is the start of those of the next square. */
  readonly #end = new Int32Array(SQUARES_PER_SIDE ** 2 + 1)

  /** @param snapshot taken after the last peer joined or left an island */
  constructor(peers: PeerTable, islands: IslandTable, snapshot: MemberSnapshot, reach: number) {
    this.#peers = peers
    this.#islands = islands
    this.#snapshot = snapshot
    this.#reachSquared = reach ** 2
    this.#perMetre = 0.99999 / reach
  }

  /**
   * Drops links to peers that are out of reach or have left, and returns the number of members without a link: 1 means that the
   * island is connected.
   */
  dropBrokenLinks(island: number): number {
    const { x, z, link, peer, indexOf } = this.#snapshot
    const start = this.#snapshot.startOf(island)
    const end = this.#snapshot.endOf(island)
    if (end - start > this.#root.length) this.#grow(end - start)
    const reachSquared = this.#reachSquared
    const root = this.#root
    const peerLink = this.#peers.link
    let unlinked = 0
    for (let index = start; index < end; index++) {
      root[index - start] = index - start
      const linked = link[index] as number
      if (linked !== NONE) {
        const other = indexOf[linked] as number
        if (other >= start && other < end && peer[other] === linked) {
          const dx = (x[other] as number) - (x[index] as number)
          const dz = (z[other] as number) - (z[index] as number)
          if (dx * dx + dz * dz <= reachSquared) {
            root[index - start] = other - start
            continue
          }
        }
        peerLink[peer[index] as number] = NONE
      }
      unlinked++
    }
    return unlinked
  }

  /**
   * The components other than the one that keeps the island: the largest, of equals the one whose first member joined first
   * (§5.4). Empty when it is connected.
   */
  detachedComponents(island: number): number[][] {
    const unlinked = this.dropBrokenLinks(island)
    if (unlinked === 1) return NO_COMPONENTS
    const start = this.#snapshot.startOf(island)
    const size = this.#snapshot.endOf(island) - start
    this.#fillGrid(start, size)
    return this.#connect(start, size, unlinked) === 1 ? NO_COMPONENTS : this.#collect(island, start, size)
  }

  /** Sorts the members into the squares of the grid. */
  #fillGrid(start: number, size: number): void {
    const { x, z } = this.#snapshot
    let west = Number.POSITIVE_INFINITY
    let south = Number.POSITIVE_INFINITY
    for (let index = start; index < start + size; index++) {
      const east = x[index] as number
      const north = z[index] as number
      if (east < west) west = east
      if (north < south) south = north
    }
    const perMetre = this.#perMetre
    const squareOf = this.#square
    const end = this.#end.fill(0)
    for (let member = 0; member < size; member++) {
      // A member without a position (NaN) is put in the first square, where it is in reach of no other either.
      const column = Math.min(SQUARES_PER_SIDE - 1, (((x[start + member] as number) - west) * perMetre) | 0)
      const row = Math.min(SQUARES_PER_SIDE - 1, (((z[start + member] as number) - south) * perMetre) | 0)
      const square = column * SQUARES_PER_SIDE + row + 1
      squareOf[member] = square
      end[square] = (end[square] as number) + 1
    }
    let begin = 0
    for (let square = 1; square < end.length; square++) {
      const count = end[square] as number
      end[square] = begin
      begin += count
    }
    const gridX = this.#x
    const gridZ = this.#z
    const number = this.#number
    for (let member = 0; member < size; member++) {
      const square = squareOf[member] as number
      const at = end[square] as number
      end[square] = at + 1
      gridX[at] = x[start + member] as number
      gridZ[at] = z[start + member] as number
      number[at] = member
    }
  }

  /** Links members that lost their link to others in reach, and returns the number of components that remain. */
  #connect(start: number, size: number, unlinked: number): number {
    const largest = this.#findRoots(size)
    let components = unlinked
    for (let member = 0; member < size; member++) {
      // A member of the largest component needs no other hop; for all others every hop is tested.
      if (int(this.#root, member) === largest || this.#rootOf(member) === largest) continue
      components -= this.#linkToNeighbours(member, start, largest)
      if (components === 1) return 1
    }
    return components
  }

  /**
   * Determines the components by the remaining links and returns the root of the largest: it stays a root, because only others
   * are linked to it.
   */
  #findRoots(size: number): number {
    const sizes = this.#sizes.fill(0, 0, size)
    const roots = this.#root
    let largest = 0
    for (let member = 0; member < size; member++) {
      const root = this.#rootOf(member)
      roots[member] = root
      const count = (sizes[root] as number) + 1
      sizes[root] = count
      if (count > (sizes[largest] as number)) largest = root
    }
    return largest
  }

  #rootOf(member: number): number {
    const root = this.#root
    let at = member
    for (let above = root[at] as number; above !== at; above = root[at] as number) {
      const next = root[above] as number
      root[at] = next
      at = next
    }
    return at
  }

  /** Links a member to all components in reach, until it belongs to the largest one; returns the number of new links. */
  #linkToNeighbours(member: number, start: number, largest: number): number {
    const { x, z, peer } = this.#snapshot
    const reachSquared = this.#reachSquared
    const ends = this.#end
    const gridX = this.#x
    const gridZ = this.#z
    const fromX = real(x, start + member)
    const fromZ = real(z, start + member)
    const square = int(this.#square, member)
    const row = (square - 1) % SQUARES_PER_SIDE
    const [below, above] = [row === 0 ? 0 : 1, row === SQUARES_PER_SIDE - 1 ? 0 : 1]
    const lastColumn = Math.min(square + SQUARES_PER_SIDE, SQUARES_PER_SIDE * (SQUARES_PER_SIDE - 1) + row + 1)
    let own = this.#rootOf(member)
    let links = 0
    // The squares above and below in the same column are adjacent in memory.
    for (
      let beside = square > SQUARES_PER_SIDE ? square - SQUARES_PER_SIDE : square;
      beside <= lastColumn;
      beside += SQUARES_PER_SIDE
    ) {
      const end = int(ends, beside + above)
      for (let at = int(ends, beside - below - 1); at < end; at++) {
        const east = (gridX[at] as number) - fromX
        const north = (gridZ[at] as number) - fromZ
        if (!(east * east + north * north <= reachSquared)) continue
        const other = int(this.#number, at)
        const root = this.#rootOf(other)
        if (root === own) continue
        this.#root[own] = root
        this.#sizes[root] = int(this.#sizes, root) + int(this.#sizes, own)
        this.#linkTo(int(peer, start + member), int(peer, start + other))
        links++
        own = root
        if (root === largest) return links
      }
    }
    return links
  }

  /** Links a peer to one of another component, and reverses the links on the path from it, so that there is no cycle. */
  #linkTo(peer: number, target: number): void {
    let below = target
    for (let at = peer; at !== NONE; ) {
      const above = int(this.#peers.link, at)
      this.#peers.link[at] = below
      below = at
      at = above
    }
  }

  #collect(island: number, start: number, size: number): number[][] {
    const keeper = this.#keeperOf(island, size)
    const roots: number[] = []
    const components: number[][] = []
    for (let member = 0; member < size; member++) {
      const root = this.#rootOf(member)
      if (root === keeper) continue
      let component = roots.indexOf(root)
      if (component < 0) {
        component = roots.push(root) - 1
        components.push([])
      }
      components[component]?.push(int(this.#snapshot.peer, start + member))
    }
    return components
  }

  /** The root of the component that keeps the island. */
  #keeperOf(island: number, size: number): number {
    let keeper = NONE
    let isTie = false
    for (let member = 0; member < size; member++) {
      if (int(this.#root, member) !== member) continue
      const lead = keeper === NONE ? 1 : int(this.#sizes, member) - int(this.#sizes, keeper)
      if (lead > 0) keeper = member
      isTie = lead === 0 || (isTie && lead < 0)
    }
    return isTie ? this.#firstJoined(island, int(this.#sizes, keeper)) : keeper
  }

  /** Of the components of a size, the root of the one with the member that joined first. */
  #firstJoined(island: number, size: number): number {
    const { indexOf } = this.#snapshot
    const start = this.#snapshot.startOf(island)
    for (let peer = int(this.#islands.first, island); peer !== NONE; peer = int(this.#peers.next, peer)) {
      const root = this.#rootOf(int(indexOf, peer) - start)
      if (int(this.#sizes, root) === size) return root
    }
    return NONE
  }

  #grow(members: number): void {
    this.#root = new Int32Array(members)
    this.#sizes = new Int32Array(members)
    this.#square = new Int32Array(members)
    this.#x = new Float64Array(members)
    this.#z = new Float64Array(members)
    this.#number = new Int32Array(members)
  }
}
