import { grown, int } from './columns.ts'

/** A list of slots that keeps its memory from flush to flush. */
export class RowList {
  rows: Int32Array = new Int32Array(1024)
  length = 0

  push(slot: number): void {
    if (this.length === this.rows.length) this.rows = grown(this.rows, this.length * 2)
    this.rows[this.length++] = slot
  }

  at(index: number): number {
    return int(this.rows, index)
  }

  /** Puts the last slot in the place of another, and says which that was. */
  replaceByLast(index: number): number {
    const last = this.at(--this.length)
    this.rows[index] = last
    return last
  }

  clear(): void {
    this.length = 0
  }
}
