import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{operator,cells,crds,cli,testing,tools,e2e,bench}/**/*.test.ts'],
    globalSetup: ['testing/parts/setup.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
})
