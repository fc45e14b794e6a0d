// The tests of franz-go's package kgo (BSD-3-Clause), built with Go from the module that test/clients/franz-go pins.
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDir, run } from '@selfmonitor/apache'
import { onceInCache, ToolUnavailable } from '../../test/deployment/static/fetch.ts'
import { franzGoClient } from '../../test/support/go.ts'
import { expectedOfFranzGo } from './expected.ts'
import type { Outcome, Suite } from './suite.ts'

const version = '1.22.3'
const tests = 'github.com/twmb/franz-go/pkg/kgo'
const cached = join(cacheDir(), 'suites', `franz-go-kgo-${version}`)

async function go(args: readonly string[]): Promise<string> {
  const env = { ...process.env, GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'local' }
  const result = await run('go', args, { cwd: franzGoClient, timeoutMs: 600_000, env }).catch((error: Error) => ({
    exitCode: 1,
    stdout: '',
    stderr: error.message,
  }))
  if (result.exitCode !== 0)
    throw new ToolUnavailable(`franz-go's tests are not available here: ${result.stderr.trim()}`)
  return result.stdout.trim()
}

export const franzGo: Suite = {
  name: 'franz-go, package kgo',
  version,
  expected: expectedOfFranzGo,

  async prepare(say) {
    if (existsSync(cached)) return
    await onceInCache(cached, async (partial) => {
      say(`go test -c ${tests}`)
      await go(['mod', 'download'])
      await go(['test', '-c', '-o', join(partial, 'kgo.test'), tests])
    })
  },

  async run({ bootstrapServers, folder, leaveOut, timeoutMs, signal }) {
    const skip = leaveOut.length === 0 ? [] : [`-test.skip=^(${leaveOut.join('|')})$`]
    const limit = `-test.timeout=${Math.floor(timeoutMs / 1000)}s`
    // Some tests read files of their own package.
    const cwd = join(await go(['list', '-m', '-f', '{{.Dir}}', 'github.com/twmb/franz-go']), 'pkg', 'kgo')
    const env = { ...process.env, KGO_SEEDS: bootstrapServers, KGO_TEST_RF: '1', KGO_TEST_RECORDS: '5000' }
    const { stdout, stderr } = await run(join(cached, 'kgo.test'), ['-test.v', limit, ...skip], {
      cwd,
      env,
      timeoutMs: timeoutMs + 30_000,
      signal,
    })
    await writeFile(join(folder, 'franz-go.log'), `${stdout}\n${stderr}`)
    return outcomesOf(stdout)
  },
}

/** From the lines of `go test -v`: `--- PASS: TestName (0.01s)`. A test that had not ended when time was up has failed. */
export function outcomesOf(output: string): ReadonlyMap<string, Outcome> {
  const words: Readonly<Record<string, Outcome>> = { PASS: 'passed', FAIL: 'failed', SKIP: 'skipped' }
  const begun = [...output.matchAll(/^=== RUN {3}(\w+)$/gm)].map(([, name]): [string, Outcome] => [name!, 'failed'])
  const ended = [...output.matchAll(/^--- (PASS|FAIL|SKIP): (\w+) \(/gm)].map(([, word, name]): [string, Outcome] => [
    name!,
    words[word!]!,
  ])
  return new Map([...begun, ...ended])
}
