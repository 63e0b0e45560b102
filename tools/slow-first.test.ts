import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { TestSpecification } from 'vitest/node'
import { SlowFirst, slowFiles } from './slow-first.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

test('every file that is known to take long exists', () => {
  expect(slowFiles.filter((file) => !existsSync(`${root}${file}`))).toEqual([])
})

test('files that are known to take long go first, before larger ones', async () => {
  const project = { name: '', config: { sequence: { groupOrder: 0 }, isolate: true } }
  const specificationOf = (file: string) => ({ moduleId: `${root}${file}`, project }) as unknown as TestSpecification
  const sequencer = new SlowFirst({ cache: { getTestSpecificationResult: () => undefined } } as never)
  const sorted = await sequencer.sort(
    ['tools/slow-first.ts', 'cells/bus/bus.test.ts', 'e2e/continuity.test.ts'].map(specificationOf),
  )
  expect(sorted.map(({ moduleId }) => moduleId.slice(root.length))).toEqual([
    'e2e/continuity.test.ts',
    'cells/bus/bus.test.ts',
    'tools/slow-first.ts',
  ])
})
