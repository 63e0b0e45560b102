import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{operator,cells,crds,cli,helm,e2e}/**/*.test.ts'],
    globalSetup: ['e2e/parts/setup.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
})
