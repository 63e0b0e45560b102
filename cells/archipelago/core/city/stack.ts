import { int, longer } from './columns.ts'

/** A list of slots that keeps its memory from flush to flush. */
export class Stack {
  slots: Int32Array = new Int32Array(1024)
  length = 0

  push(slot: number): void {
    if (this.length === this.slots.length) this.slots = longer(this.slots, this.length * 2)
    this.slots[this.length++] = slot
  }

  at(index: number): number {
    return int(this.slots, index)
  }

  /** Puts the last slot in the place of another, and says which that was. */
  replaceByLast(index: number): number {
    const last = this.at(--this.length)
    this.slots[index] = last
    return last
  }

  clear(): void {
    this.length = 0
  }
}
