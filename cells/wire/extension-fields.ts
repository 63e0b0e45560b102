import { type FencingToken, parseFencingToken } from './fencing-token.ts'

// What our services add to upstream's messages is appended as protobuf fields with numbers that upstream does not use: upstream's
// decoders, and explorers, skip unknown fields.
const TOKEN_FIELD = 1000
const PART_FIELD = 1001

const VARINT = 0
const FIXED64 = 1
const DELIMITED = 2
const FIXED32 = 5

/** The place of a message among the parts of one that was too long for the broker. */
export interface MessagePart {
  /** Number of the whole message: parts with different numbers do not belong together. */
  message: number
  index: number
  count: number
}

/** The encoded field with the session or the term that a message belongs to. */
export const fencingTokenField = (token: FencingToken): Uint8Array => encodeTextField(TOKEN_FIELD, token)

/** A message with a fencing token appended. */
export const withFencingToken = (message: Uint8Array, token: FencingToken): Uint8Array =>
  withField(message, fencingTokenField(token))

/** A message with an encoded field appended. */
export function withField(message: Uint8Array, field: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(message.length + field.length)
  bytes.set(message)
  bytes.set(field, message.length)
  return bytes
}

/** Separates a message from its fencing token; without one the whole message is the body. */
export function splitFencingToken(bytes: Uint8Array): { body: Uint8Array; token: FencingToken | undefined } {
  const found = findField(bytes, TOKEN_FIELD)
  if (!found) return { body: bytes, token: undefined }
  const token = parseFencingToken(textOf(bytes, found))
  return { body: found.to === bytes.length ? bytes.subarray(0, found.at) : bytes, token }
}

/** The fencing token of a message, if it has one. */
export function fencingTokenOf(bytes: Uint8Array): FencingToken | undefined {
  const found = findField(bytes, TOKEN_FIELD)
  return found && parseFencingToken(textOf(bytes, found))
}

/** A message marked as a part of a longer one. */
export const withPart = (message: Uint8Array, { message: number, index, count }: MessagePart): Uint8Array =>
  withField(message, encodeTextField(PART_FIELD, `${number} ${index} ${count}`))

/** Which part of a longer message this is; undefined for a whole message. */
export function partOf(bytes: Uint8Array): MessagePart | undefined {
  const found = findField(bytes, PART_FIELD)
  const [message = 0, index = 0, count = 0, ...rest] = found ? textOf(bytes, found).split(' ').map(Number) : []
  const isPart = rest.length === 0 && [message, index, count].every(Number.isSafeInteger) && index >= 0 && index < count
  return isPart ? { message, index, count } : undefined
}

/**
 * The text in a top-level field of a protobuf message, without decoding the rest; undefined when it is missing or the bytes are
 * malformed.
 */
export function textFieldOf(bytes: Uint8Array, field: number): string | undefined {
  const found = findField(bytes, field)
  return found && textOf(bytes, found)
}

/** Byte offsets of a delimited field: its tag begins at `at`, its content lies between `from` and `to`. */
interface FieldRange {
  at: number
  from: number
  to: number
}

/** Walks the top level of a message; stops at the first malformed byte. */
function findField(bytes: Uint8Array, wanted: number): FieldRange | undefined {
  let offset = 0
  while (offset < bytes.length) {
    const at = offset
    const tag = varintAt(bytes, offset)
    if (!tag) return undefined
    offset = tag.end
    const type = tag.value & 7
    if (type === DELIMITED) {
      const length = varintAt(bytes, offset)
      if (!length || length.end + length.value > bytes.length) return undefined
      offset = length.end + length.value
      if (tag.value >>> 3 === wanted) return { at, from: length.end, to: offset }
    } else if (type === VARINT) {
      const skipped = varintAt(bytes, offset)
      if (!skipped) return undefined
      offset = skipped.end
    } else if (type === FIXED32) offset += 4
    else if (type === FIXED64) offset += 8
    else return undefined
  }
  return undefined
}

const MAX_VARINT_BYTES = 10

/** A varint, of which only the low 32 bits are used here. */
export function varintAt(bytes: Uint8Array, start: number): { value: number; end: number } | undefined {
  let value = 0
  for (let i = 0; i < MAX_VARINT_BYTES; i++) {
    const byte = bytes[start + i]
    if (byte === undefined) return undefined
    if (i < 5) value |= (byte & 0x7f) << (7 * i)
    if (byte < 0x80) return { value: value >>> 0, end: start + i + 1 }
  }
  return undefined
}

const textOf = (bytes: Uint8Array, { from, to }: FieldRange): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString()

/** A text of up to 127 bytes as a protobuf field. In memory of its own: sessions keep theirs, and would keep the pool of Node.js alive with it. */
function encodeTextField(field: number, text: string): Uint8Array {
  const content = Buffer.from(text)
  const tag = (field << 3) | DELIMITED
  const bytes = new Uint8Array(3 + content.length)
  bytes[0] = (tag & 0x7f) | 0x80
  bytes[1] = tag >>> 7
  bytes[2] = content.length
  bytes.set(content, 3)
  return bytes
}
