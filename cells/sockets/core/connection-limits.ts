import type { ClientAddress } from '../../chassis/client-address.ts'

/** Counts the open connections in total and per household, and compares them with their limits. */
export class ConnectionLimits {
  readonly #maxTotal: number
  readonly #maxPerAddress: number
  readonly #perNetwork = new Map<string, number>()
  #total = 0

  constructor(maxTotal: number, maxPerAddress: number) {
    this.#maxTotal = maxTotal
    this.#maxPerAddress = maxPerAddress
  }

  /** The limit that one more connection of this client would exceed. */
  limitReached({ network, isOneClient }: ClientAddress): 'total' | 'address' | undefined {
    if (isOneClient && (this.#perNetwork.get(network) ?? 0) >= this.#maxPerAddress) return 'address'
    return this.#total >= this.#maxTotal ? 'total' : undefined
  }

  opened({ network }: ClientAddress): void {
    this.#total++
    this.#perNetwork.set(network, (this.#perNetwork.get(network) ?? 0) + 1)
  }

  /** Must be called once for each connection that was opened. */
  closed({ network }: ClientAddress): void {
    this.#total--
    const others = (this.#perNetwork.get(network) ?? 1) - 1
    if (others > 0) this.#perNetwork.set(network, others)
    else this.#perNetwork.delete(network)
  }
}
