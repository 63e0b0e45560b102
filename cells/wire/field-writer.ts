/** A varint may be longer than it needs: the length of a field that is written in parts has four bytes, and is put into them at its end. */
const OPEN_LENGTH_BYTES = 4
const MAX_HEADER_BYTES = 6
/** Of a UTF-16 unit in UTF-8. */
const MAX_CHARACTER_BYTES = 3
const FIRST_CAPACITY = 65_536

/**
 * Writes protobuf fields with a length one after another into memory that it keeps, so that a message of many parts needs no buffer for each of
 * them. Tags have one byte.
 */
export class FieldWriter {
  #bytes = Buffer.allocUnsafeSlow(FIRST_CAPACITY)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** What was written; valid until more is. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Takes back what was written behind the first `length` bytes. */
  truncate(length: number): void {
    this.#length = length
  }

  text(tag: number, text: string): void {
    this.#ensure(MAX_HEADER_BYTES + MAX_CHARACTER_BYTES * text.length)
    const start = this.#length
    // Most texts are ASCII, and as long as their encoding, which is then not measured before.
    this.#header(tag, text.length)
    const length = this.#bytes.write(text, this.#length)
    if (length !== text.length) {
      this.#length = start
      this.#header(tag, length)
      this.#bytes.write(text, this.#length)
    }
    this.#length += length
  }

  bytes(tag: number, content: Uint8Array): void {
    this.#ensure(MAX_HEADER_BYTES + content.length)
    this.#header(tag, content.length)
    this.#bytes.set(content, this.#length)
    this.#length += content.length
  }

  /** Begins a field whose content is written by the next calls. @returns what `close` needs to end it */
  open(tag: number): number {
    this.#ensure(1 + OPEN_LENGTH_BYTES)
    this.#bytes[this.#length] = tag
    this.#length += 1 + OPEN_LENGTH_BYTES
    return this.#length
  }

  close(opened: number): void {
    let rest = this.#length - opened
    for (let at = opened - OPEN_LENGTH_BYTES; at < opened; at++) {
      this.#bytes[at] = (rest & 0x7f) | (at < opened - 1 ? 0x80 : 0)
      rest >>>= 7
    }
  }

  /** ASCII characters that are no field of their own. */
  ascii(text: string): void {
    this.#ensure(text.length)
    this.#length += this.#bytes.write(text, this.#length, 'latin1')
  }

  #header(tag: number, length: number): void {
    const bytes = this.#bytes
    bytes[this.#length++] = tag
    let rest = length
    for (; rest > 0x7f; rest >>>= 7) bytes[this.#length++] = (rest & 0x7f) | 0x80
    bytes[this.#length++] = rest
  }

  #ensure(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#bytes.length) return
    const bytes = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length))
    bytes.set(this.written)
    this.#bytes = bytes
  }
}
