import fc from 'fast-check'
import protobuf from 'protobufjs'
import { expect, test } from 'vitest'
import { FieldWriter } from './field-writer.ts'

const text = fc.oneof(
  fc.string({ maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom('', 'a'.repeat(127), 'a'.repeat(128), 'é'.repeat(64), 'é'.repeat(127), '€'.repeat(60_000), '\ud800'),
)

test('texts and bytes are read as they were written, whatever their length', () => {
  const writer = new FieldWriter()
  fc.assert(
    fc.property(fc.array(text, { maxLength: 6 }), (texts) => {
      writer.truncate(0)
      for (const given of texts) {
        writer.text(0x0a, given)
        writer.bytes(0x12, Buffer.from(given))
      }
      const reader = protobuf.Reader.create(writer.written)
      for (const given of texts) {
        expect([reader.uint32(), reader.string()]).toEqual([0x0a, Buffer.from(given).toString()])
        expect([reader.uint32(), Buffer.from(reader.bytes())]).toEqual([0x12, Buffer.from(given)])
      }
      expect(reader.pos).toBe(writer.length)
    }),
  )
})

test.each([0, 1, 127, 128, 20_000, 3_000_000])('a field that is written in parts of %i bytes is read as one', (length) => {
  const writer = new FieldWriter()
  const opened = writer.open(0x1a)
  writer.ascii('a'.repeat(length))
  writer.bytes(0x12, Buffer.from('b'))
  writer.close(opened)
  const reader = protobuf.Reader.create(writer.written)
  expect(reader.uint32()).toBe(0x1a)
  expect(reader.bytes()).toHaveLength(length + 3)
  expect(reader.pos).toBe(writer.length)
})

test('what is taken back is written over, in memory that grew meanwhile', () => {
  const writer = new FieldWriter()
  writer.text(0x0a, 'kept')
  const { length } = writer
  writer.bytes(0x12, Buffer.alloc(500_000, 'x'))
  writer.truncate(length)
  writer.text(0x0a, 'next')
  expect(Buffer.from(writer.written).toString('latin1')).toBe('\n\x04kept\n\x04next')
})
