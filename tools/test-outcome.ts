import type { TestModule } from 'vitest/node'

/** A test that failed, or what else went wrong in a file, and the first line of the reason. */
export interface Failure {
  title: string
  reason: string
}

/** What came of one file of tests, or of one check: how many passed, what failed, and the titles of those that did not run. */
export interface Outcome {
  passed: number
  failed: readonly Failure[]
  skipped: readonly string[]
}

/** The part of vitest's files of tests that outcomes are read from. */
export type FinishedModule = Pick<TestModule, 'moduleId' | 'relativeModuleId' | 'state' | 'errors' | 'children'>

/** The beginning of the name under which errors of a run are counted that belong to none of its files. */
export const outsideFiles = 'outside the files of'

const firstLine = (errors: readonly unknown[] | undefined): string => {
  const [error] = errors ?? []
  const message = error instanceof Error ? error.message : (error as { message?: unknown } | undefined)?.message
  return String(message ?? error ?? 'no reason was given').split('\n', 1)[0] ?? ''
}

/** Reads the tests of one finished file. A file that could not be loaded counts as one failure, and so does a test that never ended. */
export function outcomeOf(module: FinishedModule): Outcome {
  const tests = [...module.children.allTests()]
  const inState = (state: string) => tests.filter((test) => test.result().state === state)
  const failed = [...inState('failed'), ...inState('pending')].map((test) => ({
    title: test.fullName,
    reason: test.result().state === 'pending' ? 'did not end' : firstLine(test.result().errors),
  }))
  const broken = module.state() === 'failed' && module.errors().length > 0
  return {
    passed: inState('passed').length,
    failed: broken ? [...failed, { title: 'the file', reason: firstLine(module.errors()) }] : failed,
    skipped: inState('skipped').map((test) => test.fullName),
  }
}

/**
 * The outcome of each file of a finished run. An error that no test caught is a failure of the file that ran when it was thrown; those
 * that vitest attributes to no file are counted outside of all files.
 */
export function outcomesOf(
  run: string,
  modules: readonly FinishedModule[],
  unhandledErrors: readonly unknown[],
): Map<string, Outcome> {
  const outcomes = new Map(modules.map((module) => [module.relativeModuleId, outcomeOf(module)]))
  const files = new Map(modules.map((module) => [module.moduleId, module.relativeModuleId]))
  for (const error of unhandledErrors) {
    const file = files.get((error as { VITEST_TEST_PATH?: string } | undefined)?.VITEST_TEST_PATH ?? '')
    const name = file ?? `${outsideFiles} ${run}`
    const outcome = outcomes.get(name) ?? { passed: 0, failed: [], skipped: [] }
    const failure = { title: 'unhandled error', reason: firstLine([error]) }
    outcomes.set(name, { ...outcome, failed: [...outcome.failed, failure] })
  }
  return outcomes
}

/** The files that have failures. */
export const filesThatFailed = (outcomes: ReadonlyMap<string, Outcome>): string[] =>
  [...outcomes].filter(([file, { failed }]) => !file.startsWith(outsideFiles) && failed.length > 0).map(([file]) => file)

/** Failures as lines: file, title, reason. */
export const linesOf = (outcomes: ReadonlyMap<string, Outcome>): string[] =>
  [...outcomes].flatMap(([file, { failed }]) => failed.map(({ title, reason }) => `${file}: ${title}: ${reason}`))

/** All outcomes as one line of numbers. */
export function sumOf(outcomes: ReadonlyMap<string, Outcome>): { passed: number; failed: number; skipped: string[] } {
  const all = [...outcomes.values()]
  return {
    passed: all.reduce((sum, { passed }) => sum + passed, 0),
    failed: all.reduce((sum, { failed }) => sum + failed.length, 0),
    skipped: all.flatMap(({ skipped }) => skipped),
  }
}
