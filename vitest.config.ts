// One configuration for the whole suite: tests sit beside what they test, `test/` holds what crosses packages.
import { defineConfig } from 'vitest/config'

// Each of these starts a cluster of its own, of six Java servers and more: one at a time, when everything else is done.
const clusters = ['cluster', 'zookeeper'].map((name) => `test/deployment/running/${name}.test.ts`)

// Packages of the workspace are read as TypeScript sources, like `node --conditions=source` does.
const resolve = { conditions: ['source', 'node', 'import', 'default'], externalConditions: ['source'] }

export default defineConfig({
  resolve,
  ssr: { resolve },
  environments: { __vitest__: { resolve }, ssr: { resolve } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'suite',
          include: ['packages/*/src/**/*.test.ts', 'examples/*/src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**', ...clusters],
          globalSetup: ['test/support/global-setup.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'clusters', include: clusters, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
    reporters: ['default', './test/support/summary-reporter.ts'],
    pool: 'forks',
    execArgv: ['--conditions=source'],
    maxWorkers: 2,
    testTimeout: 30_000,
    // Waiting for a condition ends with the test, not after a second: a busy machine makes no test fail.
    expect: { poll: { timeout: 25_000 } },
    hookTimeout: 120_000,
    teardownTimeout: 60_000,
  },
})
