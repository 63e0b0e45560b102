/*
 * Peers and islands are rows of tables whose columns are typed arrays. These two read a cell that the caller knows to exist; there is one
 * per kind of column, because a function that sees a single kind compiles to a plain load.
 */

/** Reads a column of slots or counts. */
export const int = (column: Int32Array, row: number): number => column[row] as number

/** Reads a column of metres. */
export const real = (column: Float64Array, row: number): number => column[row] as number

/** The same column with place for more rows, new rows 0. */
export function grown<Column extends Int32Array | Float64Array>(column: Column, rows: number): Column {
  const copy = new (column.constructor as new (length: number) => Column)(rows)
  copy.set(column)
  return copy
}

/** No peer, no island, no tile. */
export const NONE = -1
