import { expect, test } from 'vitest'
import { loadedAtStart, packagesOf } from './loaded.ts'

test.each(Object.entries(loadedAtStart))('%s loads at its start what it always needs, and no other package', (program, names) => {
  const packages = packagesOf(program)
  const importers = [...packages].filter(([name]) => !names.some((each) => each === name))
  expect(importers, 'import it where it is needed (await import), or say in loaded.ts why every pod needs it').toEqual([])
  expect([...packages.keys()].sort()).toEqual([...names].sort())
})
