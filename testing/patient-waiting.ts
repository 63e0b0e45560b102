import { vi } from 'vitest'
import { PATIENCE } from './patience.ts'

// Read before each file of tests. `expect.poll` has a setting for how long it waits by default; these two have none.

const patient = (options: number | { timeout?: number; interval?: number } = {}) => ({
  ...PATIENCE,
  ...(typeof options === 'number' ? { timeout: options } : options),
})

const { waitFor, waitUntil } = vi
vi.waitFor = (check, options) => waitFor(check, patient(options))
vi.waitUntil = (check, options) => waitUntil(check, patient(options))
