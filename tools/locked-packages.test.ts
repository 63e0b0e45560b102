import { describe, expect, test } from 'vitest'
import { lockedPackages } from './locked-packages.ts'

describe.each(['package-lock.json', 'testing/parts/npm/package-lock.json'])('%s', (file) => {
  const packages = lockedPackages(file)

  test('has a digest of every package, so that a registry cannot replace one', () => {
    expect(packages.length).toBeGreaterThan(5)
    expect(packages.filter(({ integrity }) => !integrity?.startsWith('sha512-')).map(({ path }) => path)).toEqual([])
  })

  test('names no registry, so that every registry and mirror can serve it', () => {
    expect(packages.filter(({ resolved }) => resolved !== undefined).map(({ path }) => path)).toEqual([])
  })
})

test('the image has no generator of protocol code, and nothing that only a generator needs', () => {
  const shipped = lockedPackages().filter(({ dev }) => !dev)
  expect(shipped.map(({ name }) => name)).not.toContain('@dcl/ts-proto')
  expect(shipped.find(({ path }) => path.endsWith('@dcl/ts-proto'))).toMatchObject({ name: '@favware/skip-dependency' })
})
