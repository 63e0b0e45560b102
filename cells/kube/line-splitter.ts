/** Longest line of a watch in bytes; etcd refuses objects a quarter as long. */
export const MAX_LINE_BYTES = 8 * 1024 * 1024

const NEWLINE = 10

/**
 * Splits a stream of bytes into lines, without decoding twice or breaking characters that cross chunks.
 *
 * @returns takes chunks; calls `onLine` with each complete line that is not empty
 * @throws RangeError from the taker when a line outgrows `maxBytes`
 */
export function lineSplitter(onLine: (line: string) => void, maxBytes = MAX_LINE_BYTES): (chunk: Buffer) => void {
  let pending: Buffer[] = []
  let pendingBytes = 0
  return (chunk) => {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const rest = chunk.subarray(start, end)
      const line = pendingBytes > 0 ? Buffer.concat([...pending, rest]) : rest
      pending = []
      pendingBytes = 0
      start = end + 1
      if (line.length > 0) onLine(line.toString('utf8'))
    }
    if (start === chunk.length) return
    pending.push(chunk.subarray(start))
    pendingBytes += chunk.length - start
    if (pendingBytes > maxBytes) throw new RangeError(`a line of the watch is longer than ${maxBytes} bytes`)
  }
}
