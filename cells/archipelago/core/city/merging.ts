import { int, longer } from './columns.ts'
import { Contacts } from './contacts.ts'
import type { IslandTable } from './island-table.ts'
import type { PeerTable } from './peer-table.ts'
import type { Tiles } from './tiles.ts'

/**
 * Joins islands that touch and fit, whole (clustering.md §5.2): the graph of contacts is contracted along its edges. One pass is enough:
 * islands only grow meanwhile, so what does not fit now will not fit later, and only real contacts are contracted, so nothing falls apart.
 */
export class Merging {
  readonly #islands: IslandTable
  readonly #contacts: Contacts
  readonly #maxPeers: number
  /** Union-find: the island one has become part of, itself at first. */
  #into = new Int32Array(1024)

  constructor(peers: PeerTable, islands: IslandTable, tiles: Tiles, maxPeers: number) {
    this.#islands = islands
    this.#contacts = new Contacts(peers, islands, tiles, maxPeers)
    this.#maxPeers = maxPeers
  }

  /** Merges what met; `depart` hears of each peer that leaves an island for another, before it does. */
  merge(depart: (peer: number) => void): void {
    const contacts = this.#contacts.inOrder()
    if (contacts.length === 0) return
    this.#forget()
    for (const [a, b] of contacts) {
      const one = this.#root(a)
      const other = this.#root(b)
      if (one === other || int(this.#islands.taken, one) + int(this.#islands.taken, other) > this.#maxPeers) continue
      if (this.#islands.goesBefore(one, other)) this.#absorb(one, other, depart)
      else this.#absorb(other, one, depart)
    }
  }

  #forget(): void {
    const { rows } = this.#islands
    if (this.#into.length < rows) this.#into = longer(this.#into, rows * 2)
    for (let island = 0; island < rows; island++) this.#into[island] = island
  }

  #root(island: number): number {
    let root = island
    while (int(this.#into, root) !== root) {
      this.#into[root] = int(this.#into, int(this.#into, root))
      root = int(this.#into, root)
    }
    return root
  }

  /** The winner has more peers, or is older; the loser's peers move and its id dies (§5.5). */
  #absorb(winner: number, loser: number, depart: (peer: number) => void): void {
    this.#into[loser] = winner
    for (let left = int(this.#islands.size, loser); left > 0; left--) {
      const peer = int(this.#islands.first, loser)
      depart(peer)
      this.#islands.leave(peer)
      this.#islands.join(winner, peer)
    }
  }
}
