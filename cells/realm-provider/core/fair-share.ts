/**
 * At most `limit` distinct items, taken in turns: the first of every tenant, then the second of every tenant, and so on. A tenant
 * with many items therefore takes none that another one would get, in whatever order the tenants come.
 */
export function shareFairly(wanted: Iterable<{ tenant: string; item: string }>, limit: number): ReadonlySet<string> {
  const queues = new Map<string, string[]>()
  for (const { tenant, item } of wanted) {
    const queue = queues.get(tenant)
    if (queue) queue.push(item)
    else queues.set(tenant, [item])
  }
  const taken = new Set<string>()
  const turns = [...queues].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, queue]) => queue.values())
  let waiting = turns
  while (waiting.length > 0 && taken.size < limit) waiting = waiting.filter((turn) => taken.size < limit && takeNext(turn, taken))
  return taken
}

/** Takes the next item that is not taken yet; returns false when there is none. */
function takeNext(items: Iterator<string>, taken: Set<string>): boolean {
  for (let next = items.next(); !next.done; next = items.next()) {
    if (taken.has(next.value)) continue
    taken.add(next.value)
    return true
  }
  return false
}
