/** How many sockets are open, in all and from each address, and how many may be. */
export class ConnectionLimits {
  readonly #maxTotal: number
  readonly #maxPerAddress: number
  readonly #perAddress = new Map<string, number>()
  #total = 0

  constructor(maxTotal: number, maxPerAddress: number) {
    this.#maxTotal = maxTotal
    this.#maxPerAddress = maxPerAddress
  }

  /** The limit one more socket from there would exceed. */
  limitReached(address: string): 'total' | 'address' | undefined {
    if (this.#total >= this.#maxTotal) return 'total'
    return (this.#perAddress.get(address) ?? 0) >= this.#maxPerAddress ? 'address' : undefined
  }

  opened(address: string): void {
    this.#total++
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1)
  }

  /** Called once for each that entered. */
  closed(address: string): void {
    this.#total--
    const others = (this.#perAddress.get(address) ?? 1) - 1
    if (others > 0) this.#perAddress.set(address, others)
    else this.#perAddress.delete(address)
  }
}
