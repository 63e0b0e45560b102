/** Counts the open connections in total and per client address, and compares them with their limits. */
export class ConnectionLimits {
  readonly #maxTotal: number
  readonly #maxPerAddress: number
  readonly #perAddress = new Map<string, number>()
  #total = 0

  constructor(maxTotal: number, maxPerAddress: number) {
    this.#maxTotal = maxTotal
    this.#maxPerAddress = maxPerAddress
  }

  /** The limit that one more connection from this address would exceed. */
  limitReached(address: string): 'total' | 'address' | undefined {
    if (this.#total >= this.#maxTotal) return 'total'
    return (this.#perAddress.get(address) ?? 0) >= this.#maxPerAddress ? 'address' : undefined
  }

  opened(address: string): void {
    this.#total++
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1)
  }

  /** Must be called once for each connection that was opened. */
  closed(address: string): void {
    this.#total--
    const others = (this.#perAddress.get(address) ?? 1) - 1
    if (others > 0) this.#perAddress.set(address, others)
    else this.#perAddress.delete(address)
  }
}
