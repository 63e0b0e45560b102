import { stepsAhead } from './sequence.ts'

/** Which unsequenced messages of a peer have arrived, as far as a late copy may still come. */
export class UnsequencedWindow {
  static readonly SIZE = 1024
  readonly #bits = new Uint32Array(UnsequencedWindow.SIZE / 32)
  newest = 0

  /** @returns false when the group has arrived before, or is too old to know */
  take(group: number): boolean {
    const steps = stepsAhead(this.newest, group)
    if (steps >= 0x8000) {
      if (0x10000 - steps >= UnsequencedWindow.SIZE) return false
    } else if (steps >= UnsequencedWindow.SIZE) {
      this.#bits.fill(0)
      this.newest = group
    } else {
      for (let step = 1; step <= steps; step++) this.#set(this.newest + step, false)
      this.newest = group
    }
    if (this.#isSet(group)) return false
    this.#set(group, true)
    return true
  }

  #isSet(group: number): boolean {
    return ((this.#bits[(group % UnsequencedWindow.SIZE) >>> 5] ?? 0) >>> (group & 31)) % 2 === 1
  }

  #set(group: number, value: boolean): void {
    const index = (group % UnsequencedWindow.SIZE) >>> 5
    const bit = 1 << (group & 31)
    const word = this.#bits[index] ?? 0
    this.#bits[index] = value ? word | bit : word & ~bit
  }
}
