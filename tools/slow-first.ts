import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Files that take long for their size. On a machine whose durations Vitest does not know yet it begins with the largest file, and one of
 * these at the end would keep one worker busy while the other has nothing left.
 */
export const slowFiles = [
  '/e2e/continuity.test.ts',
  '/e2e/movement-hand-over.test.ts',
  '/operator/e2e/slow-api.test.ts',
  '/testing/fuzz/fuzz.test.ts',
]

/** The order of Vitest, after the files that are known to take long. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { known = [], others = [] } = Object.groupBy(await super.sort(files), ({ moduleId }) =>
      slowFiles.some((file) => moduleId.endsWith(file)) ? 'known' : 'others',
    )
    return [...known, ...others]
  }
}
