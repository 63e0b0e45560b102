import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { DatagramFrames, datagramFrame, writeDatagram } from './datagram-frames.ts'

const datagrams = ['a', 'bc', 'd'.repeat(4_096)].map((text) => Buffer.from(text))
const stream = Buffer.concat(datagrams.map(datagramFrame))

test.each([1, 2, 3, 7, 1_000, stream.length])('datagrams are found in a stream that arrives %i bytes at a time', (step) => {
  const found: Buffer[] = []
  const frames = new DatagramFrames((datagram) => found.push(Buffer.from(datagram)))
  for (let at = 0; at < stream.length; at += step) expect(frames.read(stream.subarray(at, at + step))).toBe(true)
  expect(found).toEqual(datagrams)
})

test.each([0, 4_097, 65_535])('a length of %i is none', (length) => {
  const found: Buffer[] = []
  const frames = new DatagramFrames((datagram) => found.push(datagram))
  expect(frames.read(Buffer.concat([datagramFrame(Buffer.from('a')), Buffer.of(length >>> 8, length & 0xff, 1)]))).toBe(false)
  expect(found).toHaveLength(1)
})

test('a reader that is slow gets what there is room for, and only whole datagrams', () => {
  const stuck = new Writable({ write: () => {} })
  for (let i = 0; i < 1_000; i++) writeDatagram(stuck, Buffer.alloc(1_000))
  expect([stuck.writableLength % 1_002, stuck.writableLength < 300_000]).toEqual([0, true])
})
