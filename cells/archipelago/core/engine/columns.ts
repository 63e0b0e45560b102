/*
 * Peers and islands are rows of tables whose columns are typed arrays. `int` and `real` read a value that the caller knows to
 * exist; there is one function per type of column, because a function that sees a single type compiles to a plain load. Loops over all
 * peers read the columns themselves, and take what they need of an object before they begin: in the first flushes of a process they
 * are not optimized yet, and then a call costs more than a read.
 */

/** Reads a column of rows or counts. */
export const int = (column: Int32Array, row: number): number => column[row] as number

/** Reads a column of metres. */
export const real = (column: Float64Array, row: number): number => column[row] as number

/**
 * Rows of a new table. Few, so that it grows for the first times before its code is optimized: machine code that V8 made while a table had not
 * grown yet takes its columns for constants, and is thrown away in the middle of a flush when it does.
 */
export const FIRST_ROWS = 16

/** A copy of the column with `rows` rows; the new ones hold 0. */
export function grown<Column extends Int32Array | Float64Array>(column: Column, rows: number): Column {
  const copy = new (column.constructor as new (length: number) => Column)(rows)
  copy.set(column)
  return copy
}

/** Stands for no peer, no island and no tile. */
export const NONE = -1

/** A list of rows; it keeps its memory from flush to flush. */
export class RowList {
  rows: Int32Array = new Int32Array(FIRST_ROWS)
  length = 0

  push(row: number): void {
    if (this.length === this.rows.length) this.rows = grown(this.rows, this.length * 2)
    this.rows[this.length++] = row
  }

  at(index: number): number {
    return int(this.rows, index)
  }

  /** Replaces an entry by the last one, and returns that one. */
  replaceByLast(index: number): number {
    const last = this.at(--this.length)
    this.rows[index] = last
    return last
  }

  clear(): void {
    this.length = 0
  }
}
