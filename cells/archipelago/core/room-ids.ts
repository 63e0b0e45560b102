/**
 * Names rooms `{prefix}{boot}-{counter}`, both in base 36. The boot id is what makes them unique across restarts and across processes:
 * a name that comes back would let a stranger into a room where players of another life still sit (clustering.md §5.11).
 */
export function roomIds(prefix: string, bootId: string): () => string {
  let counter = 0
  return () => `${prefix}${bootId}-${(++counter).toString(36)}`
}
