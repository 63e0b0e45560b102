/** Rounds of the loop below: about 80 ms on the machine the recorded figures come from. */
const ROUNDS = 40_000_000

/** Milliseconds a fixed loop of integer work takes on this machine now, best of five: what figures are to be compared by. */
export function calibrationMs(): number {
  let best = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < 5; attempt++) {
    const start = performance.now()
    let hash = 0x811c9dc5
    for (let i = 0; i < ROUNDS; i++) hash = Math.imul(hash ^ (i & 0xff), 0x01000193)
    // Read, so that the loop cannot be optimised away.
    if (hash === 1) throw new Error('unreachable')
    best = Math.min(best, performance.now() - start)
  }
  return best
}
