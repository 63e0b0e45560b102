import type { TestModule } from 'vitest/node'

/** What came of a run: how many tests passed and failed, and the titles of those that did not run. */
export interface Outcome {
  passed: number
  failed: number
  skipped: readonly string[]
}

/** Counts the tests of a finished run. A file that could not be loaded, and an error outside any test, count as one failure each. */
export function outcomeOf(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): Outcome {
  const tests = modules.flatMap((module) => [...module.children.allTests()])
  const inState = (state: string) => tests.filter((test) => test.result().state === state)
  const broken = modules.filter((module) => module.state() === 'failed' && module.errors().length > 0)
  const stuck = inState('pending')
  return {
    passed: inState('passed').length,
    failed: inState('failed').length + stuck.length + broken.length + unhandledErrors.length,
    skipped: inState('skipped').map((test) => test.fullName),
  }
}

/** All outcomes as one. */
export const sumOf = (outcomes: readonly Outcome[]): Outcome => ({
  passed: outcomes.reduce((sum, { passed }) => sum + passed, 0),
  failed: outcomes.reduce((sum, { failed }) => sum + failed, 0),
  skipped: outcomes.flatMap(({ skipped }) => skipped),
})
