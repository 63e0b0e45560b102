const VARINT = 0
const LENGTH_DELIMITED = 2
const FIRST_BYTES = 1_024

/** Writes protobuf fields, each after the other, into a buffer that is used again for the next message. */
export class ProtoWriter {
  #buffer: Buffer
  #at = 0

  constructor(bytes = FIRST_BYTES) {
    this.#buffer = Buffer.allocUnsafeSlow(bytes)
  }

  /** What was written since the last `reset`; valid until the next one. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#at)
  }

  /** What was written is at its beginning; replaced by a larger one when it is full. */
  get memory(): Buffer {
    return this.#buffer
  }

  /** Bytes that were written since the last `reset`. */
  get length(): number {
    return this.#at
  }

  reset(): this {
    this.#at = 0
    return this
  }

  /** A field with a 32-bit integer, which is also written when it is zero; negative ones take ten bytes, as protobuf has it. */
  int32(field: number, value: number): void {
    this.#reserve(16)
    this.#varint((field << 3) | VARINT)
    if (value >= 0) this.#varint(value)
    else this.#negative(value)
  }

  /** As `int32`, of a number that is never negative: bit 31 is a bit like any other. */
  uint32(field: number, value: number): void {
    this.#reserve(16)
    this.#varint((field << 3) | VARINT)
    this.#varint(value >>> 0)
  }

  /** As `int32` of those elements of `values` from `at` on whose bit in `set` is one; the first of them is the field `first`. */
  int32s(first: number, values: Int32Array, at: number, set: number): void {
    this.#reserve(32 * 16)
    const buffer = this.#buffer
    let to = this.#at
    for (let left = set; left !== 0; left &= left - 1) {
      const index = 31 - Math.clz32(left & -left)
      const value = values[at + index] as number
      const tag = ((first + index) << 3) | VARINT
      if (tag >= 0x80) buffer[to++] = tag | 0x80
      buffer[to++] = tag >= 0x80 ? tag >>> 7 : tag
      if (value < 0) {
        this.#at = to
        this.#negative(value)
        to = this.#at
        continue
      }
      let rest = value
      for (; rest >= 0x80; rest >>>= 7) buffer[to++] = rest | 0x80
      buffer[to++] = rest
    }
    this.#at = to
  }

  text(field: number, text: string): void {
    const length = Buffer.byteLength(text)
    this.#reserve(16 + length)
    this.#varint((field << 3) | LENGTH_DELIMITED)
    this.#varint(length)
    this.#at += this.#buffer.write(text, this.#at, 'utf8')
  }

  data(field: number, data: Uint8Array): void {
    this.#reserve(16 + data.length)
    this.#varint((field << 3) | LENGTH_DELIMITED)
    this.#varint(data.length)
    this.#buffer.set(data, this.#at)
    this.#at += data.length
  }

  /**
   * Begins a message within this one and returns what `close` needs to end it. Most are shorter than 128 bytes, so one byte is kept for
   * the length.
   */
  open(field: number): number {
    this.#reserve(16)
    this.#varint((field << 3) | LENGTH_DELIMITED)
    this.#at += 1
    return this.#at
  }

  close(start: number): void {
    const length = this.#at - start
    const more = length < 0x80 ? 0 : length < 0x4000 ? 1 : 2
    if (more > 0) {
      this.#reserve(more)
      this.#buffer.copyWithin(start + more, start, this.#at)
    }
    this.#at = start - 1
    this.#varint(length)
    this.#at += length
  }

  #reserve(bytes: number): void {
    if (this.#buffer.length - this.#at >= bytes) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes))
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
  }

  #varint(value: number): void {
    let rest = value >>> 0
    while (rest >= 0x80) {
      this.#buffer[this.#at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#buffer[this.#at++] = rest
  }

  /** The 64-bit two's complement: five bytes with the low 35 bits, the other bits are all set. */
  #negative(value: number): void {
    for (let i = 0; i < 4; i++) this.#buffer[this.#at++] = ((value >> (7 * i)) & 0x7f) | 0x80
    this.#buffer[this.#at++] = ((value >> 28) & 0x7f) | 0x80
    for (let i = 0; i < 4; i++) this.#buffer[this.#at++] = 0xff
    this.#buffer[this.#at++] = 1
  }
}
