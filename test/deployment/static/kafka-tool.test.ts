// Commands in a pod of Kafka, and the server's handling of KAFKA_HEAP_OPTS: the chart's own
// scripts, run here with tools and a server that print what they were given.
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '@selfmonitor/apache'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chartFolder } from './render.ts'

let folder: string

/** A script of the chart, with the folders of a pod taken for those of the test. */
async function install(
  name: string,
  as: string,
  changes: readonly (readonly [string, string])[] = [],
): Promise<string> {
  let text = await readFile(join(chartFolder, 'files/bin', name), 'utf8')
  for (const [from, to] of [['/run/kafka', join(folder, 'run')] as const, ...changes]) text = text.replaceAll(from, to)
  return program(as, text)
}

async function program(path: string, text: string): Promise<string> {
  const file = join(folder, path)
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, text)
  await chmod(file, 0o755)
  return file
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selfmonitor-tool-'))
  await mkdir(join(folder, 'run'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('a command that is typed in a pod of Kafka', () => {
  let listener: Server
  let port: number
  const settings = () => join(folder, 'operator.properties')

  beforeEach(async () => {
    listener = createServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    port = (listener.address() as AddressInfo).port
    await writeFile(settings(), 'security.protocol=SASL_SSL\n')
  })
  afterEach(() => listener.close())

  /** Types it; the tool prints its arguments, its heap and its JVM's options. */
  async function type(command: string, env: Readonly<Record<string, string>> = {}, toolExit = 0) {
    const [name, ...args] = command.split(' ')
    const script = await install('kafka-tool.sh', `tools/${name}`, [['/usr/share/java/kafka', join(folder, 'jars')]])
    const print = 'echo "args: $*"; echo "heap: $KAFKA_HEAP_OPTS"; echo "options: $KAFKA_OPTS $JMX_PORT"'
    await program(`bin/${name}`, `#!/bin/bash\n${print}\nexit ${toolExit}\n`)
    const pod = {
      POD_NAME: 'kafka-0',
      POD_NAMESPACE: 'kafka',
      TOOL_PLACE: 'broker',
      TOOL_CLIENT_PROPERTIES: settings(),
    }
    const PATH = `${folder}/tools:${folder}/bin:${process.env.PATH}`
    return run('bash', [script, ...args], { env: { PATH, ...pod, ...env } })
  }

  it('gets the settings of the operators’ account, and a small heap', async () => {
    const { stdout, exitCode } = await type(`kafka-topics --bootstrap-server localhost:${port} --list`)
    expect(exitCode).toBe(0)
    expect(stdout).toContain(`args: --bootstrap-server localhost:${port} --command-config ${settings()} --list\n`)
    expect(stdout).toContain('heap: -Xmx128m\n')
  })

  it.each([
    ['kafka-features --bootstrap-server localhost:PORT describe', 'localhost:PORT --command-config SETTINGS describe'],
    [
      'kafka-cluster cluster-id --bootstrap-server=localhost:PORT',
      'cluster-id --bootstrap-server=localhost:PORT --command-config SETTINGS',
    ],
    [
      'kafka-producer-perf-test --topic t --producer-props bootstrap.servers=localhost:PORT acks=all',
      'args: --command-config SETTINGS --topic t --producer-props',
    ],
    [
      'kafka-reassign-partitions --bootstrap-server localhost:PORT --generate --broker-list 0,1,2',
      'args: --bootstrap-server localhost:PORT --command-config SETTINGS --generate --broker-list 0,1,2',
    ],
    ['kafka-console-producer --broker-list localhost:PORT --topic t', '--command-config SETTINGS --topic t'],
    ['kafka-topics --bootstrap-server localhost:1,localhost:PORT --list', '--command-config SETTINGS --list'],
  ])('has them where the tool looks for them: %s', async (command, expected) => {
    const fill = (text: string) => text.replaceAll('PORT', String(port)).replaceAll('SETTINGS', settings())
    expect((await type(fill(command))).stdout).toContain(fill(expected))
  })

  it.each([
    'kafka-topics --bootstrap-server localhost:PORT --command-config /mine --list',
    'kafka-topics --bootstrap-server localhost:PORT --command-config=/mine --list',
    'kafka-console-consumer --bootstrap-server localhost:PORT --consumer.config /mine --topic t',
    'kafka-leader-election --bootstrap-server localhost:PORT --admin.config /mine',
    'kafka-topics --version',
    'kafka-dump-log --files 00000000000000000000.log',
  ])('is left as it is when it names settings or no broker: %s', async (command) => {
    const typed = command.replace('PORT', String(port))
    expect((await type(typed)).stdout).toContain(`args: ${typed.split(' ').slice(1).join(' ')}\n`)
  })

  it.each([
    ['kafka-clients-3.9.1.jar', 'kafka-console-consumer', '--consumer.config'],
    ['kafka-clients-7.9.11-ccs.jar', 'kafka-leader-election', '--admin.config'],
    ['kafka-clients-8.1.0-ccs.jar', 'kafka-verifiable-producer', '--producer.config'],
    ['kafka-clients-8.3.2-ccs.jar', 'kafka-console-consumer', '--command-config'],
    ['kafka-clients-4.2.0.jar', 'kafka-cluster', '--command-config'],
  ])('calls them what the tool of that Kafka does: %s', async (jar, tool, option) => {
    await program(`jars/${jar}`, '')
    const { stdout } = await type(`${tool} --bootstrap-server localhost:${port}`)
    expect(stdout).toContain(`args: --bootstrap-server localhost:${port} ${option} ${settings()}\n`)
  })

  it('sends them to no other cluster', async () => {
    const { stdout } = await type(`kafka-topics --bootstrap-server localhost:${port} --list`, { TOOL_PLACE: 'tools' })
    expect(stdout).not.toContain(settings())
    // The name of a setting of a topic is not that of a file.
    const create = `kafka-topics --bootstrap-server localhost:${port} --create --topic t --config retention.ms=1`
    expect((await type(create)).stdout).toContain(`--command-config ${settings()} --create`)
  })

  it('has neither the server’s heap nor its options; a heap for the command alone counts', async () => {
    await writeFile(join(folder, 'run/server-heap'), '-Xms4g -Xmx4g')
    const command = `kafka-topics --bootstrap-server localhost:${port} --list`
    const env = { KAFKA_HEAP_OPTS: '-Xms4g -Xmx4g', KAFKA_OPTS: '-javaagent:x', JMX_PORT: '9999' }
    const { stdout } = await type(command, env)
    expect(stdout).toContain('heap: -Xmx128m\n')
    expect(stdout).toMatch(/options: +$/m)
    expect((await type(command, { ...env, KAFKA_HEAP_OPTS: '-Xmx1g' })).stdout).toContain('heap: -Xmx1g\n')
  })

  it.each([
    ['--bootstrap-server localhost:2181', 'ZooKeeper'],
    ['--zookeeper zookeeper:2181', 'Kafka 4 has no ZooKeeper'],
    ['--bootstrap-server localhost:9093', '--bootstrap-controller localhost:9093'],
    ['--bootstrap-server localhost:9091', 'only for connections between brokers'],
    ['--bootstrap-server kafka-service', '"kafka-service" is not host:port'],
    ['--bootstrap-server localhost:1', 'localhost:1: connection refused'],
    ['--bootstrap-server nowhere.invalid:9092', 'nowhere.invalid:9092: the name cannot be resolved'],
    ['--bootstrap-server kafka-headless:9092', 'certificates do not contain the name kafka-headless'],
    ['--bootstrap-controller localhost:9093', '/run/controller-client.properties'],
  ])('fails at once, with the command to use, for %s', async (options, said) => {
    const { exitCode, stderr, stdout } = await type(`kafka-topics ${options} --list`)
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
    expect(stderr).toContain(said)
    expect(stderr).toContain('--bootstrap-server localhost:9092')
  })

  it('names the account after a failure, and reports a missing Secret', async () => {
    const command = `kafka-topics --bootstrap-server localhost:${port} --list`
    expect(await type(command, {}, 3)).toMatchObject({ exitCode: 3, stderr: expect.stringContaining(settings()) })
    await rm(settings())
    expect((await type(command)).stderr).toContain('Secret kafka-user-kafka-operator')
  })
})

describe('the heap that the server starts with', () => {
  async function start(env: Readonly<Record<string, string>>) {
    const script = await install('kafka-start.sh', 'bin/kafka-start.sh')
    await install('lib.sh', 'bin/lib.sh')
    await program('bin/kafka-server-start', '#!/bin/bash\necho "heap: $KAFKA_HEAP_OPTS"; echo "options: $KAFKA_OPTS"\n')
    const PATH = `${folder}/bin:${process.env.PATH}`
    const node = { NODE_HEAP_MIB: '2048', NODE_MEMORY_MIB: '8192', NODE_LOG4J: '/x', POD_NAME: 'kafka-0' }
    return run('bash', [script], { env: { PATH, ...node, ...env } })
  }

  it('is the chart’s, unless KAFKA_HEAP_OPTS is given', async () => {
    expect((await start({})).stdout).toContain('heap: -Xms2048m -Xmx2048m\n')
    expect((await start({ KAFKA_HEAP_OPTS: '-Xms3g -Xmx3g' })).stdout).toContain('heap: -Xms3g -Xmx3g\n')
    expect(await readFile(join(folder, 'run/server-heap'), 'utf8')).toBe('-Xms3g -Xmx3g')
    // Without an upper end of its own it has the chart's.
    expect((await start({ KAFKA_HEAP_OPTS: '-Xms1g' })).stdout).toContain('heap: -Xmx2048m -Xms1g\n')
    expect((await start({ KAFKA_OPTS: '-Da=b', NODE_JMX_AGENT: 'jar' })).stdout).toContain(
      'options: -Da=b -javaagent:jar',
    )
  })

  it.each(['-Xmx8g', '-Xms1g -Xmx8G', '-Xmx7900m', '-Xmx8589934592'])(
    'is rejected when it does not fit into the container: %s of 8 GiB',
    async (KAFKA_HEAP_OPTS) => {
      const { exitCode, stdout, stderr } = await start({ KAFKA_HEAP_OPTS })
      expect(exitCode).toBe(1)
      expect(stdout).not.toContain('heap:')
      expect(stderr).toMatch(/KAFKA_HEAP_OPTS asks for a heap of \d+ MiB, but the container has 8192 MiB/)
      expect((await start({ KAFKA_HEAP_OPTS, NODE_MEMORY_MIB: '' })).exitCode).toBe(0)
    },
  )
})
