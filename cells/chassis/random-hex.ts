import { randomFillSync } from 'node:crypto'

/** Enough for what a burst of new connections needs in one turn of the event loop. */
const POOL_BYTES = 4_096

const pool = Buffer.alloc(POOL_BYTES)
let used = POOL_BYTES

/**
 * Bytes that cannot be guessed, in hexadecimal. They are generated for many callers at once, as a call of the generator takes longer than
 * its bytes; those handed out are erased, so that no later dump of the pool has them.
 *
 * @throws RangeError for more bytes than are generated at once
 */
export function randomHex(bytes: number): string {
  if (bytes > POOL_BYTES) throw new RangeError(`${bytes} bytes are more than ${POOL_BYTES}`)
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool)
    used = 0
  }
  const from = used
  used += bytes
  const text = pool.toString('hex', from, used)
  pool.fill(0, from, used)
  return text
}
