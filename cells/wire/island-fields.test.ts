import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FieldWriter } from './field-writer.ts'
import { writeIslandFields } from './island-fields.ts'
import { busPayloads } from './packets.ts'

const text = fc.oneof(
  fc.string({ maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom('', 'a'.repeat(127), 'a'.repeat(128), 'é'.repeat(64), 'a'.repeat(16_384)),
)

const writer = new FieldWriter()

test('the fields of a receiver are the bytes of the generated encoder', () => {
  fc.assert(
    fc.property(text, text, fc.option(text, { nil: undefined }), (islandId, connStr, fromIslandId) => {
      const own = { islandId, connStr, fromIslandId }
      writer.truncate(0)
      writeIslandFields(writer, own)
      expect(Buffer.from(writer.written)).toEqual(Buffer.from(busPayloads.encodeIslandChanged({ ...own, peers: {} })))
    }),
  )
})
