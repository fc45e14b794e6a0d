// Every verdict that a diagnosis can give is caused for real by a test, which waits until it is found.
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { checks } from '@selfmonitor/monitor'
import { expect, it } from 'vitest'

const tests = fileURLToPath(new URL('../', import.meta.url))

/** `finds` of a `Watch` fails a test when the verdict, or what is said of its consequences, does not come. */
const awaited = /\.finds\(\s*'([A-Z_]+)'/g

it('each verdict has a test that causes it in a real cluster', () => {
  const caused = globSync('**/*.test.ts', { cwd: tests }).flatMap((file) =>
    [...readFileSync(`${tests}/${file}`, 'utf8').matchAll(awaited)].map(([, code]) => code!),
  )
  expect([...new Set(caused)].sort()).toEqual(Object.keys(checks).sort())
})
