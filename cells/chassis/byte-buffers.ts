/** Writes numbers and bytes one after the other; grows as needed. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(4096)
  #length = 0

  u8(value: number): void {
    this.#place(1, (at) => this.#bytes.writeUInt8(value, at))
  }

  u16(value: number): void {
    this.#place(2, (at) => this.#bytes.writeUInt16BE(value, at))
  }

  u32(value: number): void {
    this.#place(4, (at) => this.#bytes.writeUInt32BE(value, at))
  }

  f64(value: number): void {
    this.#place(8, (at) => this.#bytes.writeDoubleBE(value, at))
  }

  /** With its length before it. */
  block(bytes: Uint8Array): void {
    this.u32(bytes.length)
    this.#place(bytes.length, (at) => this.#bytes.set(bytes, at))
  }

  text(value: string): void {
    this.block(Buffer.from(value))
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  #place(size: number, write: (at: number) => void): void {
    if (this.#length + size > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(2 * (this.#length + size))
      grown.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = grown
    }
    write(this.#length)
    this.#length += size
  }
}

/** Reads what a `ByteWriter` has written. Throws a RangeError at the end of the bytes. */
export class ByteReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#skip(1))
  }

  u16(): number {
    return this.#bytes.readUInt16BE(this.#skip(2))
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#skip(4))
  }

  f64(): number {
    return this.#bytes.readDoubleBE(this.#skip(8))
  }

  /** A copy, so that what is kept does not hold the whole buffer. */
  block(): Buffer {
    const length = this.u32()
    const at = this.#skip(length)
    return Buffer.from(this.#bytes.subarray(at, at + length))
  }

  text(): string {
    return this.block().toString()
  }

  #skip(size: number): number {
    if (size > this.#bytes.length - this.#at) throw new RangeError('the bytes end too early')
    const at = this.#at
    this.#at += size
    return at
  }
}
