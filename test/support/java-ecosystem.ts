// Kafka Streams, Connect and MirrorMaker 2: jars that Maven fetches as test/clients/ecosystem/pom.xml pins them, run as their users do.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ApacheError, cacheDir, findJava, pinnedVersion, run } from '@selfmonitor/apache'
import { onceInCache, ToolUnavailable } from '../deployment/static/fetch.ts'

const pom = fileURLToPath(new URL('../clients/ecosystem/pom.xml', import.meta.url))
const logging = fileURLToPath(new URL('../../packages/apache/log4j2.properties', import.meta.url))

/** Java and the folder of the jars. */
export interface JavaPrograms {
  readonly java: string
  readonly libs: string
}

/** @throws ToolUnavailable without a JDK, or when Maven cannot fetch the jars */
export async function findJavaPrograms(): Promise<JavaPrograms> {
  const java = await findJava().catch((error: unknown) => {
    throw error instanceof ApacheError ? new ToolUnavailable(error.message) : error
  })
  if (!(await run(java, ['--list-modules'])).stdout.includes('jdk.compiler')) {
    throw new ToolUnavailable('the Java here is no JDK')
  }
  const version = await pinnedVersion(pom)
  if (version !== (await pinnedVersion())) throw new Error(`${pom} pins another version than packages/apache`)
  const libs = join(cacheDir(), 'java', `ecosystem-${version}`)
  await onceInCache(libs, async (partial) => {
    const words = ['--batch-mode', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${partial}`]
    const copied = await run('mvn', words, { timeoutMs: 300_000 }).catch(() => null)
    if (copied?.exitCode !== 0)
      throw new ToolUnavailable(`Maven could not fetch Kafka Streams and Connect: ${copied?.stdout ?? 'no mvn'}`)
  })
  return { java, libs }
}

export interface Program {
  readonly process: ChildProcess
  /** What it has printed. */
  output(): string
  readonly ended: Promise<number | null>
}

/** For programs that only have to work. */
const small = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

/** Starts a Java program with these words, in the folder `cwd`. The caller ends it. */
export function startJava(
  { java, libs }: JavaPrograms,
  cwd: string,
  words: readonly string[],
  machine: readonly string[] = small,
): Program {
  const logs = [
    `-Dlog4j2.configurationFile=${logging}`,
    '-Dselfmonitor.log.level=WARN',
    '-Dselfmonitor.log.target=SYSTEM_ERR',
  ]
  const child = spawn(java, [...machine, '-cp', join(libs, '*'), ...logs, ...words], { cwd, stdio: 'pipe' })
  let output = ''
  const collect = (chunk: Buffer) => {
    output += chunk
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { process: child, output: () => output, ended }
}

export async function killed({ process, ended }: Program): Promise<void> {
  process.kill('SIGKILL')
  await ended
}

export const distributedWorker = 'org.apache.kafka.connect.cli.ConnectDistributed'

/** Settings of a Connect worker on a single broker, as the text of a properties file. */
export function workerProperties(bootstrapServers: string, port: number): string {
  return propertiesText({
    'bootstrap.servers': bootstrapServers,
    'group.id': 'connect',
    'config.storage.topic': 'connect-configs',
    'offset.storage.topic': 'connect-offsets',
    'status.storage.topic': 'connect-status',
    'config.storage.replication.factor': '1',
    'offset.storage.replication.factor': '1',
    'status.storage.replication.factor': '1',
    'offset.flush.interval.ms': '500',
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
    listeners: `http://127.0.0.1:${port}`,
    'plugin.discovery': 'service_load',
  })
}

export const propertiesText = (settings: Readonly<Record<string, string>>): string =>
  Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')

/** Asks a worker for a connector with one task. @returns the status of the answer */
export async function createConnector(
  workerUrl: string,
  name: string,
  config: Readonly<Record<string, string>>,
): Promise<number> {
  const answer = await fetch(`${workerUrl}/connectors`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, config: { 'tasks.max': '1', ...config } }),
  })
  return answer.status
}
