// One configuration for the whole suite: tests sit beside what they test, `test/` holds what crosses packages.
import { defineConfig } from 'vitest/config'

// Packages of the workspace are read as TypeScript sources, like `node --conditions=source` does.
const resolve = { conditions: ['source', 'node', 'import', 'default'], externalConditions: ['source'] }

export default defineConfig({
  resolve,
  ssr: { resolve },
  environments: { __vitest__: { resolve }, ssr: { resolve } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'examples/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', './test/support/summary-reporter.ts'],
    pool: 'forks',
    execArgv: ['--conditions=source'],
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    teardownTimeout: 60_000,
  },
})
