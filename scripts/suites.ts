// npm run suites: third-party test suites against the embedded broker and Apache Kafka. Ends with 1 when a test fails that is not
// known to, with 3 when a suite cannot be had here. docs/compatibility.md has the results.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startApache } from '@selfmonitor/apache'
import { startBroker } from '@selfmonitor/broker'
import { ToolUnavailable } from '../test/deployment/static/fetch.ts'
import { franzGo } from './suites/franz-go.ts'
import { librdkafka } from './suites/librdkafka.ts'
import { judge, type Suite } from './suites/suite.ts'

const suites: Readonly<Record<string, Suite>> = { librdkafka, 'franz-go': franzGo }
const engines = ['embedded', 'apache'] as const
type Engine = (typeof engines)[number]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Default: both. */
    engine: { type: 'string', multiple: true },
    /** Where logs go; default: a new folder. */
    output: { type: 'string' },
    minutes: { type: 'string', default: '25' },
  },
})

function choose<const T extends string>(what: string, given: readonly string[] | undefined, all: readonly T[]): T[] {
  const unknown = given?.find((name) => !all.includes(name as T))
  if (unknown !== undefined) throw new Error(`"${unknown}" is not one of the ${what}: ${all.join(', ')}`)
  return given === undefined || given.length === 0 ? [...all] : (given as T[])
}

/** Starts an engine with its data in `dataDir`, as the suites want it: topics that asking creates have four partitions. */
async function start(engine: Engine, dataDir: string) {
  const config = { 'num.partitions': '4' }
  return engine === 'embedded'
    ? await startBroker({ dataDir, config })
    : await startApache({ dataDir, port: 0, heapMb: 512, config })
}

async function runOn(engine: Engine, suite: Suite, folder: string): Promise<boolean> {
  const { failures, leftOut } = suite.expected[engine]
  const dataDir = await mkdtemp(join(tmpdir(), 'selfmonitor-suites-'))
  const server = await start(engine, dataDir)
  try {
    await mkdir(folder, { recursive: true })
    const { bootstrapServers } = server
    const timeoutMs = Number(values.minutes) * 60_000
    const { signal } = interrupted
    const outcomes = await suite.run({ bootstrapServers, folder, leaveOut: Object.keys(leftOut), timeoutMs, signal })
    if (signal.aborted) throw new Error('interrupted')
    const { passed, failed, skipped, unexpected, better } = judge(outcomes, suite.expected[engine])
    console.log(
      `${suite.name} ${suite.version} on ${engine}: ${passed} passed, ${failed.length} failed, ${skipped} skipped`,
    )
    for (const name of failed) console.log(`  failed    ${name}: ${failures[name] ?? 'NOT EXPECTED'}`)
    for (const [name, reason] of Object.entries(leftOut)) console.log(`  left out  ${name}: ${reason}`)
    for (const name of better) console.log(`  passes now, though it is listed as failing: ${name}`)
    console.log(`  log in ${folder}`)
    return unexpected.length === 0 && passed > 0
  } finally {
    await server.close()
    await rm(dataDir, { recursive: true, force: true })
  }
}

// Servers are closed and their data removed when this is interrupted, too.
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())

const chosen = choose('suites', positionals, Object.keys(suites))
const chosenEngines = choose('engines', values.engine, engines)
const output = values.output ?? (await mkdtemp(join(tmpdir(), 'selfmonitor-suites-log-')))
let code = 0
for (const name of chosen) {
  const suite = suites[name]!
  try {
    await suite.prepare((line) => console.log(`  ${line}`))
  } catch (error) {
    if (!(error instanceof ToolUnavailable)) throw error
    console.error(error.message)
    code = 3
    continue
  }
  for (const engine of chosenEngines) {
    if (!(await runOn(engine, suite, join(output, `${name}-${engine}`)))) code = 1
  }
}
process.exitCode = code
