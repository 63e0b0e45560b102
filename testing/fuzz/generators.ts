import fc from 'fast-check'

/** Frames that a hostile client may send: random bytes, and valid packets that are flipped, cut, joined or announce a huge field. */
export function hostileBytes(valid: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const packet = fc.constantFrom(...valid)
  const flips = fc.array(fc.tuple(fc.nat(2_000), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 6 })
  return fc.oneof(
    packet,
    fc.uint8Array({ maxLength: 200 }),
    fc.uint8Array({ minLength: 10_000, maxLength: 20_000, size: 'max' }),
    fc.tuple(packet, flips).map(([bytes, changes]) => {
      const flipped = Uint8Array.from(bytes)
      for (const [at, mask] of changes)
        if (flipped.length > 0) flipped[at % flipped.length] = (flipped[at % flipped.length] ?? 0) ^ mask
      return flipped
    }),
    fc.tuple(packet, fc.nat(2_000)).map(([bytes, length]) => bytes.slice(0, length % (bytes.length + 1))),
    fc.tuple(packet, packet).map(([one, other]) => Uint8Array.from([...one, ...other])),
    // A field that announces more bytes than there are: tag, a length of up to 2^35, the packet.
    fc
      .tuple(fc.integer({ min: 1, max: 15 }), packet)
      .map(([field, bytes]) => Uint8Array.from([(field << 3) | 2, 0xff, 0xff, 0xff, 0xff, 0x7f, ...bytes])),
  )
}

const TEXTS = [
  '', '/', '//', '%', '#', '?', '%zz', '%2f', '%00', '..', ';', '\\', '*', '@', ':', '[', '{', '"', ',', '\t', ' ', '\u0000', '\r\n',
  '-1', '0', '1e309', '99999999999999999999', 'null', '[]', '{}', '__proto__', 'constructor', 'toString', 'http://x', 'é', '0x',
] // biome-ignore format: a table

/** A short piece that means something to a parser, or a random one. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...TEXTS) },
  { weight: 2, arbitrary: fc.string({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...TEXTS), fc.nat(3_000)).map(([text, times]) => text.repeat(times)) },
)

/** A change of a text: `length` characters at `at`, which wraps around, are replaced or change their case. */
export interface TextEdit {
  at: number
  length: number
  put: string | 'other case'
}

/** Changes of a text; `put` bounds what they put in. */
export const textEdits = (maxLength = 4, put: fc.Arbitrary<string> = hostileText): fc.Arbitrary<TextEdit[]> =>
  fc.array(
    fc.record({ at: fc.nat(20_000), length: fc.nat(8), put: fc.oneof({ weight: 3, arbitrary: put }, fc.constant('other case')) }),
    { maxLength },
  )

export const edited = (text: string, edits: readonly TextEdit[]): string =>
  edits.reduce((before, { at, length, put }) => {
    const from = at % (before.length + 1)
    const taken = before.slice(from, from + length)
    return before.slice(0, from) + (put === 'other case' ? otherCase(taken) : put) + before.slice(from + length)
  }, text)

const otherCase = (text: string): string =>
  Array.from(text, (each) => (each === each.toLowerCase() ? each.toUpperCase() : each.toLowerCase())).join('')

const nested = (depth: number, open: string, close: string): unknown => JSON.parse(open.repeat(depth) + close.repeat(depth))

const VALUES: readonly unknown[] = [
  null, true, false, 0, -1, 1.5, 2 ** 31, 2 ** 53, 1e300, '', 'a', '\u0000', '\ud800', 'a\r\nb', '%zz', '__proto__', '0x', [], {}, [[]],
  [null], JSON.parse('{"__proto__":{"kind":"Realm"}}'), { toString: 1 }, { length: 1e9 }, 'a'.repeat(5_000), '9'.repeat(400),
  nested(200, '[', ']'), Array.from({ length: 2_000 }, (_, i) => i),
] // biome-ignore format: a table

/** A value that a JSON document may hold where another kind is expected. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...VALUES) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
)

/** A change of the JSON value at a place; `at` and `from` count the places of the document, and wrap around. */
export type JsonEdit =
  | { do: 'set'; at: number; value: unknown }
  | { do: 'copy' | 'swap'; at: number; from: number }
  | { do: 'remove' | 'repeat'; at: number }
  | { do: 'add'; at: number; key: string; value: unknown }

const jsonEdit: fc.Arbitrary<JsonEdit> = fc.oneof(
  fc.record({ do: fc.constant('set' as const), at: fc.nat(200), value: hostileValue }),
  fc.record({ do: fc.constantFrom('copy' as const, 'swap' as const), at: fc.nat(200), from: fc.nat(200) }),
  fc.record({ do: fc.constantFrom('remove' as const, 'repeat' as const), at: fc.nat(200) }),
  fc.record({ do: fc.constant('add' as const), at: fc.nat(200), key: hostileText, value: hostileValue }),
)

/** Changes of a JSON document. */
export const jsonEdits = (maxLength = 4): fc.Arbitrary<JsonEdit[]> => fc.array(jsonEdit, { maxLength })

interface Place {
  parent: Record<string, unknown>
  key: string
}

/** A copy of a JSON document with the changes; keys may be any, `__proto__` among them. */
export function editedJson(document: unknown, edits: readonly JsonEdit[]): unknown {
  const root: Record<string, unknown> = { document: structuredClone(document) }
  for (const edit of edits) {
    const places = placesOf(root)
    const placeAt = (at: number): Place => places[at % places.length] ?? { parent: root, key: 'document' }
    change(edit, placeAt(edit.at), 'from' in edit ? placeAt(edit.from) : undefined)
  }
  return root.document
}

function change(edit: JsonEdit, { parent, key }: Place, from: Place | undefined): void {
  const value = parent[key]
  const other = from?.parent[from.key]
  if (edit.do === 'set') put(parent, key, structuredClone(edit.value))
  if (edit.do === 'remove') Array.isArray(parent) ? parent.splice(Number(key), 1) : Reflect.deleteProperty(parent, key)
  if (edit.do === 'repeat' && Array.isArray(parent)) parent.splice(Number(key), 0, structuredClone(value))
  if (edit.do === 'add' && typeof value === 'object' && value !== null) put(value, edit.key, structuredClone(edit.value))
  if (edit.do === 'copy' || edit.do === 'swap') put(parent, key, structuredClone(other))
  if (edit.do === 'swap' && from) put(from.parent, from.key, structuredClone(value))
}

const put = (object: object, key: string, value: unknown): unknown =>
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })

/** Most places of a document that edits can choose from. */
const MAX_PLACES = 500

function placesOf(root: Record<string, unknown>): Place[] {
  const places: Place[] = [{ parent: root, key: 'document' }]
  for (const { parent, key } of places) {
    const value = parent[key]
    if (typeof value !== 'object' || value === null || places.length > MAX_PLACES) continue
    const keys = Object.keys(value).slice(0, MAX_PLACES)
    places.push(...keys.map((inner) => ({ parent: value as Record<string, unknown>, key: inner })))
  }
  return places
}
