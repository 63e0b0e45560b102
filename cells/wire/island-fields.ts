import type { FieldWriter } from './field-writer.ts'

/** The fields of an IslandChangedMessage that are of its receiver. */
export interface IslandFields {
  islandId: string
  connStr: string
  /** The island that the receiver knew before. */
  fromIslandId: string | undefined
}

const ISLAND_ID_TAG = 0x0a
const CONN_STR_TAG = 0x12
const FROM_ISLAND_ID_TAG = 0x1a

/**
 * All fields of an IslandChangedMessage but `peers`, as the generated encoder writes them. Encoded by hand, as there is one for each of the
 * hundred thousand players who may arrive together: the connection string is written once, into memory that is there already.
 */
export function writeIslandFields(to: FieldWriter, { islandId, connStr, fromIslandId }: IslandFields): void {
  // A field that is empty is left out, except for an optional one.
  if (islandId !== '') to.text(ISLAND_ID_TAG, islandId)
  if (connStr !== '') to.text(CONN_STR_TAG, connStr)
  if (fromIslandId !== undefined) to.text(FROM_ISLAND_ID_TAG, fromIslandId)
}
