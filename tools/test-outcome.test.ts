import { expect, test } from 'vitest'
import { type FinishedModule, filesThatFailed, linesOf, outcomesOf, outsideFiles, sumOf } from './test-outcome.ts'

type State = 'passed' | 'failed' | 'skipped' | 'pending'

/** A file of tests as vitest leaves it. */
function finished(file: string, tests: Record<string, State>, errors: string[] = []): FinishedModule {
  const all = Object.entries(tests).map(([fullName, state]) => ({
    fullName,
    result: () => ({ state, errors: state === 'failed' ? [{ message: `${fullName} is wrong\n+ 1\n- 2` }] : [] }),
  }))
  return {
    moduleId: `/repository/${file}`,
    relativeModuleId: file,
    state: () => (errors.length > 0 || Object.values(tests).includes('failed') ? 'failed' : 'passed'),
    errors: () => errors.map((message) => ({ message })),
    children: { allTests: () => all.values() },
  } as unknown as FinishedModule
}

test('counts what passed, failed and did not run, and names the file, the title and the first line of the reason', () => {
  const outcomes = outcomesOf('units', [finished('a.test.ts', { one: 'passed', two: 'failed', three: 'skipped' })], [])
  expect(sumOf(outcomes)).toEqual({ passed: 1, failed: 1, skipped: ['three'] })
  expect(linesOf(outcomes)).toEqual(['a.test.ts: two: two is wrong'])
})

test('a file that could not be loaded, a test that never ended and an error outside every file are failures', () => {
  const modules = [finished('broken.test.ts', {}, ['no such module']), finished('stuck.test.ts', { waits: 'pending' })]
  const outcomes = outcomesOf('units', modules, [new Error('thrown later')])
  expect(linesOf(outcomes)).toEqual([
    'broken.test.ts: the file: no such module',
    'stuck.test.ts: waits: did not end',
    `${outsideFiles} units: unhandled error: thrown later`,
  ])
  expect(filesThatFailed(outcomes)).toEqual(['broken.test.ts', 'stuck.test.ts'])
})

test('an error that no test caught is a failure of the file that ran when it was thrown', () => {
  const modules = [finished('a.test.ts', { one: 'passed' }), finished('b.test.ts', { two: 'passed' })]
  const error = Object.assign(new Error('address in use'), { VITEST_TEST_PATH: '/repository/b.test.ts' })
  const outcomes = outcomesOf('units', modules, [error])
  expect(linesOf(outcomes)).toEqual(['b.test.ts: unhandled error: address in use'])
  expect(sumOf(outcomes)).toEqual({ passed: 2, failed: 1, skipped: [] })
  expect(filesThatFailed(outcomes)).toEqual(['b.test.ts'])
})

test('the second run of a file counts in place of its first', () => {
  const first = outcomesOf(
    'units',
    [finished('a.test.ts', { one: 'failed', two: 'passed' }), finished('b.test.ts', { three: 'passed' })],
    [],
  )
  const again = outcomesOf('units', [finished('a.test.ts', { one: 'passed', two: 'failed' })], [])
  const outcomes = new Map([...first, ...again])
  expect(sumOf(outcomes)).toEqual({ passed: 2, failed: 1, skipped: [] })
  expect(linesOf(outcomes)).toEqual(['a.test.ts: two: two is wrong'])
})
