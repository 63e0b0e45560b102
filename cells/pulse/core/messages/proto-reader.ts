const VARINT = 0
const FIXED64 = 1
const LENGTH_DELIMITED = 2
const FIXED32 = 5
const MAX_VARINT_BYTES = 10

/**
 * Reads protobuf fields from bytes that a stranger sent: never throws, and never reads beyond the end. After a malformed field `isValid`
 * is false and `next` finds nothing more. One reader is used for many messages, so that the inputs of players allocate nothing.
 */
export class ProtoReader {
  #bytes: Uint8Array = new Uint8Array(0)
  #at = 0
  #end = 0
  #wireType = 0
  /** Number of the current field. */
  field = 0
  isValid = true
  /** Where the bytes of the field are in the message that `range` was called for last. */
  start = 0
  end = 0

  /** Starts with other bytes; `end` is exclusive. */
  reset(bytes: Uint8Array, start = 0, end = bytes.length): this {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
    this.isValid = true
    return this
  }

  /** Goes to the next field; false at the end, or when the bytes are malformed. */
  next(): boolean {
    if (!this.isValid || this.#at >= this.#end) return false
    const tag = this.#varint()
    this.field = tag >>> 3
    this.#wireType = tag & 7
    if (this.field === 0) this.isValid = false
    return this.isValid
  }

  /** The value of the current field as a 32-bit integer; bits above are dropped, as in every protobuf library. */
  int32(): number {
    if (this.#wireType !== VARINT) return this.#fail()
    return this.#varint() | 0
  }

  /** Finds the bytes of the current field in the message, from `start` to `end`: they are not copied. False when they are malformed. */
  range(): boolean {
    const length = this.#wireType === LENGTH_DELIMITED ? this.#varint() : this.#fail()
    if (!this.isValid || length > this.#end - this.#at) {
      this.#fail()
      return false
    }
    this.start = this.#at
    this.end = this.#at = this.start + length
    return true
  }

  /** The current field as a text; undefined when it is longer than `maxBytes` or malformed. */
  text(maxBytes: number): string | undefined {
    if (!this.range() || this.end - this.start > maxBytes) {
      this.#fail()
      return undefined
    }
    const { buffer, byteOffset } = this.#bytes
    return Buffer.from(buffer, byteOffset + this.start, this.end - this.start).toString('utf8')
  }

  /** Goes past the value of a field that is not known here. */
  skip(): void {
    if (this.#wireType === VARINT) this.#varint()
    else if (this.#wireType === LENGTH_DELIMITED) this.range()
    else if (this.#wireType === FIXED32) this.#advance(4)
    else if (this.#wireType === FIXED64) this.#advance(8)
    else this.#fail()
  }

  #advance(bytes: number): void {
    if (bytes > this.#end - this.#at) this.#fail()
    else this.#at += bytes
  }

  /** An unsigned 32-bit integer; further bits are read and dropped. */
  #varint(): number {
    let value = 0
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      if (this.#at >= this.#end) return this.#fail()
      const byte = this.#bytes[this.#at++] ?? 0
      if (i < 5) value |= (byte & 0x7f) << (7 * i)
      if (byte < 0x80) return value >>> 0
    }
    return this.#fail()
  }

  #fail(): number {
    this.isValid = false
    return 0
  }
}
