/**
 * Ids of rooms, `{prefix}{boot}-{counter}`, both in base 36. The boot id makes them unique across restarts and processes: an id
 * that was used again would let a peer into a room where players of an earlier start still are (clustering.md §5.11).
 */
export function roomIds(prefix: string, bootId: string): () => string {
  let counter = 0
  return () => `${prefix}${bootId}-${(++counter).toString(36)}`
}
