import { describe, inject, test } from 'vitest'
import type { PartName } from './part.ts'

/**
 * A group of tests that need a real part; `body` declares them with the part's path. Without the part the group is one
 * skipped test with the reason as its title, or a failed one under CI=true, where every part must exist.
 */
export function withPart(name: PartName, title: string, body: (path: string) => void): void {
  const state = inject('parts')[name]
  if ('path' in state) describe(title, () => body(state.path))
  else if (process.env.CI === 'true') {
    test(title, () => {
      throw new Error(`the part '${name}' is missing: ${state.missing}`)
    })
  } else test.skip(`${title} (needs ${name}: ${state.missing})`)
}
