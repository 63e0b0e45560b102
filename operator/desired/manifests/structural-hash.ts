const FNV_PRIME = 0x01000193
/** Where the hash of each kind of value begins, so that `"1"` is not `1`, and `[]` is not `{}`. */
const STRING = 0x811c9dc5
const OTHER = 0x811c9dc4
const LIST = 0x811c9dc7
const FIELDS = 0x811c9dc6

/**
 * An unsigned 32-bit hash of plain data as JSON has it: the same for values that are equal, whatever the order of their fields; a field
 * without a value counts as absent. It walks the value and makes no text of it, because every pass hashes all pod templates of a realm.
 * The same in every process; not for secrets.
 */
export const structuralHash = (value: unknown): number => hashOf(value) >>> 0

function hashOf(value: unknown): number {
  if (typeof value === 'string') return withText(STRING, value)
  if (typeof value !== 'object' || value === null) return withText(OTHER, String(value))
  if (Array.isArray(value)) {
    let hash = LIST
    for (const item of value) hash = spread(Math.imul(hash, FNV_PRIME) ^ hashOf(item))
    return hash
  }
  const fields = value as Readonly<Record<string, unknown>>
  // A sum, in which no field is before another one.
  let sum = FIELDS
  for (const name in fields) {
    const field = fields[name]
    if (field !== undefined) sum = (sum + spread(withText(spread(hashOf(field)), name))) | 0
  }
  return spread(sum)
}

/** FNV-1a over the UTF-16 units of a text, on from a hash. */
function withText(hash: number, text: string): number {
  let next = hash
  for (let i = 0; i < text.length; i++) next = Math.imul(next ^ text.charCodeAt(i), FNV_PRIME)
  return next
}

/** Each bit of the result depends on each bit of the hash: sums of what is not spread meet often. */
function spread(hash: number): number {
  let next = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  next = Math.imul(next ^ (next >>> 13), 0xc2b2ae35)
  return next ^ (next >>> 16)
}
