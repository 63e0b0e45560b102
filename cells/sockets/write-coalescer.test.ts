import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { WriteCoalescer } from './write-coalescer.ts'

test('the writes of one turn of the event loop leave together', async () => {
  const calls: string[][] = []
  const stream = new Writable({
    writev: (chunks, done) => {
      calls.push(chunks.map(({ chunk }: { chunk: Buffer }) => chunk.toString()))
      done()
    },
  })
  const writes = new WriteCoalescer()
  const write = (text: string) => {
    writes.coalesce(stream)
    stream.write(text)
  }
  write('a')
  write('b')
  expect(calls).toEqual([])
  await new Promise((resolve) => setImmediate(resolve))
  expect(calls).toEqual([['a', 'b']])
  write('c')
  write('d')
  await new Promise((resolve) => setImmediate(resolve))
  expect(calls).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ])
})
