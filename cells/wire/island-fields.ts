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
 * hundred thousand players who may arrive together: the connection string is written once, into memory of the right length.
 */
export function encodeIslandFields({ islandId, connStr, fromIslandId }: IslandFields): Uint8Array {
  const [idBytes, strBytes] = [Buffer.byteLength(islandId), Buffer.byteLength(connStr)]
  const fromBytes = fromIslandId === undefined ? undefined : Buffer.byteLength(fromIslandId)
  const bytes = Buffer.allocUnsafe(
    lengthOf(idBytes, false) + lengthOf(strBytes, false) + lengthOf(fromBytes ?? 0, fromBytes !== undefined),
  )
  let at = 0
  // A field that is empty is left out, except for an optional one.
  if (idBytes > 0) at = write(bytes, at, ISLAND_ID_TAG, islandId, idBytes)
  if (strBytes > 0) at = write(bytes, at, CONN_STR_TAG, connStr, strBytes)
  if (fromIslandId !== undefined && fromBytes !== undefined) write(bytes, at, FROM_ISLAND_ID_TAG, fromIslandId, fromBytes)
  return bytes
}

/** Bytes of a text field. */
function lengthOf(content: number, isPresent: boolean): number {
  if (content === 0) return isPresent ? 2 : 0
  let length = 2 + content
  for (let rest = content >>> 7; rest > 0; rest >>>= 7) length++
  return length
}

function write(bytes: Buffer, start: number, tag: number, text: string, length: number): number {
  bytes[start] = tag
  let at = start + 1
  let rest = length
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  bytes[at++] = rest
  return at + bytes.write(text, at)
}
