import { defineConfig } from 'vitest/config'
import { PATIENCE } from './testing/patience.ts'

export default defineConfig({
  test: {
    include: ['{operator,cells,crds,cli,testing,tools,e2e,bench}/**/*.test.ts'],
    globalSetup: ['testing/parts/setup.ts', 'testing/apiserver/shared.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    setupFiles: ['testing/patient-waiting.ts'],
    expect: { poll: PATIENCE },
  },
})
