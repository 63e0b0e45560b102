import { hash } from 'node:crypto'

const BLOCK_BYTES = 64
const DIGEST_BYTES = 32
/** Of a token with long names of rooms and metadata; a longer text makes it grow. */
const TEXT_BYTES = 4_096

/**
 * Signs ASCII texts with HMAC-SHA-256 (RFC 2104), in base64url. By two calls of `crypto.hash` in memory that is kept: `createHmac` makes an
 * object with a finalizer for each signature, which takes more than twice the time, and the collection of garbage on top. A text comes in
 * two parts, of which the first one often is that of the text before, and is not copied again.
 */
export function createSigner(secret: string): (beginning: string, end: string) => string {
  const key = Buffer.from(secret)
  const block = Buffer.alloc(BLOCK_BYTES)
  block.set(key.length > BLOCK_BYTES ? hash('sha256', key, 'buffer') : key)
  let inner = paddedWith(block, 0x36, TEXT_BYTES)
  const outer = paddedWith(block, 0x5c, DIGEST_BYTES)
  let begun = ''
  return (beginning, end) => {
    const length = BLOCK_BYTES + beginning.length + end.length
    if (length > inner.length) {
      inner = paddedWith(block, 0x36, 2 * length)
      begun = ''
    }
    if (beginning !== begun) inner.write(beginning, BLOCK_BYTES, 'latin1')
    begun = beginning
    inner.write(end, BLOCK_BYTES + beginning.length, 'latin1')
    // As a string of bytes: a buffer for each digest takes longer.
    outer.write(hash('sha256', inner.subarray(0, length), 'binary'), BLOCK_BYTES, 'latin1')
    return hash('sha256', outer, 'base64url')
  }
}

/** The key, each of its bytes combined with `pad`, and room behind it. */
function paddedWith(block: Uint8Array, pad: number, room: number): Buffer {
  const bytes = Buffer.alloc(BLOCK_BYTES + room)
  bytes.set(block.map((byte) => byte ^ pad))
  return bytes
}
