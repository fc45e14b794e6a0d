// The command as processes: what `up` starts, keeps and takes down, signals, pipes and the terminal it is left without.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, afterEach, describe, expect, inject, it, vi } from 'vitest'
import '../../../test/support/engines.ts'
import { findStates, isSameProcess, processIdentity, type RunState } from '@selfmonitor/platform/running'
import { freePortOffset, type RunResult, temporaryFolder } from './test-io.ts'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))
const bin = fileURLToPath(new URL('../bin/selfmonitor.js', import.meta.url))
const repository = fileURLToPath(new URL('../../../', import.meta.url))
const folder = temporaryFolder()
const started: ChildProcess[] = []

afterEach(async () => {
  // Only a test that failed half-way leaves a platform; the tests after it look for their own in the same folder.
  for (const { state } of findStates(folder.path)) {
    await run(['down', '--force', '--timeout', '5s', '--port-offset', String(state.portOffset)])
  }
  for (const child of started) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
})
afterAll(() => folder.remove())

interface Running {
  readonly child: ChildProcess
  readonly said: { stdout: string; stderr: string }
  /** Resolves when standard error holds the text; rejects when the process ends without saying it. */
  says(text: string): Promise<void>
  ended(): Promise<RunResult>
}

function start(
  words: readonly string[],
  cwd = folder.path,
  command: readonly string[] = ['--conditions=source', main],
): Running {
  return startProcess([process.execPath, ...command, ...words], cwd)
}

function startProcess([file, ...args]: readonly [string, ...string[]], cwd: string): Running {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, SELFMONITOR_ENV: '' }
  const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  started.push(child)
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8').on('data', (chunk: string) => {
      said[name] += chunk
      child.emit('said')
    })
  }
  const ended = once(child, 'close')
  return {
    child,
    said,
    says: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (said.stderr.includes(text)) resolve()
        }
        child.on('said', look)
        child.once('close', () => reject(new Error(`ended without "${text}":\n${said.stdout}${said.stderr}`)))
        look()
      }),
    ended: async () => {
      const [code, signal] = await ended
      return { code: code ?? `signal ${signal}`, ...said }
    },
  }
}

const run = (words: readonly string[], cwd?: string): Promise<RunResult> => start(words, cwd).ended()

describe('up', () => {
  it('serves until Ctrl-C, keeps what was written, and says what it does', { timeout: 90_000 }, async () => {
    const offset = await freePortOffset()
    const words = ['up', '--port-offset', String(offset), '--data-dir', 'kept']
    const first = start(words)
    await first.says('Ready in')
    expect(first.said.stdout).toBe('')
    expect(first.said.stderr).toMatch(new RegExp(`broker +127\\.0\\.0\\.1:${9092 + offset} +embedded, 1 node +\\d`))
    expect(first.said.stderr).toMatch(new RegExp(`registry +http://127\\.0\\.0\\.1:${8081 + offset} +\\d`))
    expect(first.said.stderr).toContain(
      `export KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:${9092 + offset} SCHEMA_REGISTRY_URL=http://127.0.0.1:${8081 + offset}\n`,
    )
    // The other commands find it without being told.
    expect((await run(['topics', 'create', 'kept.topic', '--yes'])).code).toBe(0)
    // Metrics come a moment after everything else.
    const parts = async () => JSON.parse((await run(['status', '-o', 'json'])).stdout)
    await expect.poll(async () => (await parts()).length, { timeout: 20_000 }).toBe(3)
    expect(await parts()).toMatchObject([
      { part: 'broker (embedded)', state: 'up', pid: first.child.pid },
      { part: 'registry', state: 'up', pid: first.child.pid },
      { part: 'exporter', state: 'up', pid: first.child.pid, address: `http://127.0.0.1:${9308 + offset}` },
    ])
    expect((await run(['status'])).code).toBe(0)
    const metrics = async () => await (await fetch(`http://127.0.0.1:${9308 + offset}/metrics`)).text()
    await expect.poll(metrics, { timeout: 20_000 }).toContain('kafka_brokers{cluster="development"} 1\n')
    const ofBroker = await fetch(`http://127.0.0.1:${9308 + offset}/metrics/broker`)
    expect(ofBroker.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await ofBroker.text()).toMatch(/^kafka_network_requests_total\{request="CreateTopics",version="\d+"\} \d+$/m)

    const second = await run(words)
    expect(second).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(
        new RegExp(
          // The offset it offers is the first whose ports are free, which depends on what else runs here.
          `already running: embedded, Kafka 127\\.0\\.0\\.1:${9092 + offset}[^]*\`selfmonitor up --port-offset \\d+ --data-dir`,
        ),
      ),
    })

    first.child.kill('SIGINT')
    expect(await first.ended()).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/Stopping …\n +Stopped; the data stays\./),
    })
    // Named, since without a platform of this folder `status` looks at the default ports, which somebody else may serve.
    const address = [
      '--bootstrap-servers',
      `127.0.0.1:${9092 + offset}`,
      '--registry-url',
      `http://127.0.0.1:${8081 + offset}`,
    ]
    expect((await run(['status', ...address])).code).toBe(4)

    const again = start(words)
    await again.says('Ready in')
    expect((await run(['topics', 'list', '-o', 'name'])).stdout).toBe('kept.topic\n')
    again.child.kill('SIGTERM')
    expect((await again.ended()).code).toBe(0)
  })

  it('gives the brokers the settings of the environment, and of --broker-config before those', async () => {
    const offset = await freePortOffset()
    const file = join(folder.path, 'settings.yaml')
    writeFileSync(file, 'environments: { development: { broker: { num.partitions: 4, broker.rack: r1 } } }\n')
    const words = ['up', '--port-offset', String(offset), '--data-dir', 'settings', '-f', file]
    const wrong = await run([...words, '--broker-config', 'ssl.keystore.location=/keys'])
    expect(wrong).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /ssl\.keystore\.location cannot be set: this broker has no TLS[\s\S]*--broker-config/,
      ),
    })
    const detached = await run([...words, '--detach', '--broker-config', 'broker.rack=r2'])
    expect(detached).toMatchObject({ code: 0 })
    const kafka = new Kafka({ brokers: [`127.0.0.1:${9092 + offset}`], logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    await admin.connect()
    const names = ['num.partitions', 'broker.rack']
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 4, name: '1', configNames: names }],
    })
    await admin.disconnect()
    const settings = resources[0]!.configEntries.map(({ configName, configValue }) => `${configName}=${configValue}`)
    expect(settings.sort()).toEqual(['broker.rack=r2', 'num.partitions=4'])
    expect((await run(['down', '--port-offset', String(offset)])).code).toBe(0)
  })

  it('in the background returns when it is ready; down stops it; a second one on its data is refused', async () => {
    const offset = await freePortOffset()
    const detached = await run([
      'up',
      '--detach',
      '--port-offset',
      String(offset),
      '--setup',
      '-f',
      join(repository, 'platform.yaml'),
      '--data-dir',
      'shared',
    ])
    expect(detached).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(/11 topics, 64 schemas: 75 changes[\s\S]*Runs in the background as process \d+/),
    })
    expect(detached.stderr).not.toContain('Ctrl-C')
    expect(detached.stderr).toMatch(
      new RegExp(`export KAFKA_BOOTSTRAP_SERVERS=127\\.0\\.0\\.1:${9092 + offset} [\\s\\S]*Try:\\n`),
    )
    const state: RunState = JSON.parse(readFileSync(join(folder.path, `.selfmonitor/run/${offset}.json`), 'utf8'))
    const other = await freePortOffset()
    expect(await run(['up', '--port-offset', String(other), '--data-dir', 'shared'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        new RegExp(
          `in use by process ${state.process.pid}[\\s\\S]*\`selfmonitor down --port-offset ${offset}\` stops it`,
        ),
      ),
    })

    // A steady stream through the library, and a reader that closes its pipe early.
    const demo = await run([
      'demo',
      '--rate',
      '400',
      '--duration',
      '2s',
      '-o',
      'json',
      '-f',
      join(repository, 'platform.yaml'),
    ])
    expect(demo.code).toBe(0)
    const totals = JSON.parse(demo.stdout)
    expect(totals).toMatchObject({ failed: 0, acknowledged: expect.any(Number) })
    expect(totals.acknowledged).toBeGreaterThan(100)
    expect(demo.stderr).toMatch(/\d events +[\d.]+\/s\n$/)
    const pipe = start(['events', 'tail', '--from', 'earliest', '-o', 'json'])
    pipe.child.stdout!.once('data', () => pipe.child.stdout!.destroy())
    expect(await pipe.ended()).toMatchObject({ code: 0, stderr: '' })

    expect(await run(['down', '--port-offset', String(offset)])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`Stopped the embedded platform`),
    })
    expect(existsSync(join(folder.path, `.selfmonitor/run/${offset}.json`))).toBe(false)
  })

  it('may stop and restart during the demo, which reports both', { timeout: 90_000 }, async () => {
    const offset = await freePortOffset()
    const platform = join(repository, 'platform.yaml')
    const words = ['up', '--setup', '-f', platform, '--port-offset', String(offset), '--data-dir', 'demo']
    const first = start(words)
    await first.says('Ready in')
    const demo = start(['demo', '-f', platform])
    await demo.says(' events ')
    first.child.kill('SIGINT')
    await demo.says('Lost the broker, waiting for it.')
    await first.ended()
    const again = start(words)
    await demo.says('The broker answers again.')
    demo.child.kill('SIGINT')
    await demo.ended()
    again.child.kill('SIGINT')
    await again.ended()
  })

  it('stays up when its data has more partitions than the file, and says why nothing was applied', async () => {
    const offset = await freePortOffset()
    const place = join(folder.path, 'branches')
    mkdirSync(place)
    const write = (partitions: number): void =>
      writeFileSync(join(place, 'platform.yaml'), `topics: { a.events: { partitions: ${partitions} } }\n`)
    const words = ['up', '--setup', '--port-offset', String(offset)]
    write(6)
    const first = start(words, place)
    await first.says('Ready in')
    first.child.kill('SIGINT')
    await first.ended()

    write(3)
    const second = start(words, place)
    await second.says('Ready in')
    expect(second.said.stderr).toMatch(/✘ platform\n/)
    expect(second.said.stderr).toMatch(
      /platform\.yaml:1:\d+ .*partitions: 3 is fewer than the cluster's 6; partitions cannot shrink; write 6/,
    )
    expect(second.said.stderr).toMatch(
      /Nothing was applied\. The broker and the registry run[\s\S]*then:\n.* setup\n[\s\S]*--data-dir <folder>\n/,
    )
    expect((await run(['topics', 'list', '-o', 'name'], place)).stdout).toBe('a.events\n')
    expect((await run(['schemas', 'list'], place)).code).toBe(0)
    write(6)
    expect(await run(['setup'], place)).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing to change') })
    second.child.kill('SIGINT')
    expect((await second.ended()).code).toBe(0)

    // In the background it runs as well, and a script learns that the file was not applied. So it is with a mistake in it.
    writeFileSync(join(place, 'platform.yaml'), 'topics: { a.events: { partitons: 6 } }\n')
    const third = await run([...words, '--detach'], place)
    expect(third).toMatchObject({ code: 1, stderr: expect.stringMatching(/partitons[\s\S]*Runs in the background/) })
    expect((await run(['topics', 'list', '-o', 'name'], place)).stdout).toBe('a.events\n')
    expect((await run(['down'], place)).code).toBe(0)
  })

  it('twice at once in the background: one runs, the other says what stopped it', async () => {
    const offset = await freePortOffset()
    const words = ['up', '--detach', '--port-offset', String(offset), '--data-dir', 'race']
    const both = await Promise.all([run(words), run(words)])
    const [winner, loser] = both.toSorted((a, b) => a.code - b.code)
    expect(winner).toMatchObject({ code: 0, stderr: expect.stringContaining('Runs in the background as process') })
    expect(winner!.stderr).not.toContain('error')
    expect(loser).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error .*(in use by|is taken|already running)/m),
    })
    expect(loser!.stderr).not.toContain('Runs in the background')
    expect((await run(['topics', 'list', '--port-offset', String(offset)])).code).toBe(0)
    expect((await run(['down', '--port-offset', String(offset)])).code).toBe(0)
    // What the loser wrote was shown, and is not kept.
    expect(readdirSync(join(folder.path, '.selfmonitor/log')).filter((name) => /\.out\.\d/.test(name))).toEqual([])
  })

  it('is reported as missing by `events emit` with its own message, without a log line of the library', async () => {
    const words = ['events', 'emit', 'orders', '--bootstrap-servers', `127.0.0.1:${9092 + (await freePortOffset())}`]
    const missed = await run([...words, '--timeout', '1s'])
    expect({ code: missed.code, stdout: missed.stdout }).toEqual({ code: 4, stdout: '' })
    expect(missed.stderr).toContain('error ')
    expect(missed.stderr).not.toContain('{"level"')
  })

  it('in the background reports why it could not start', async () => {
    const offset = await freePortOffset()
    const holder = createServer()
    await new Promise<void>((resolve) => holder.listen(8081 + offset, '127.0.0.1', resolve))
    const refused = await run(['up', '--detach', '--port-offset', String(offset)])
    holder.close()
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        new RegExp(`Port ${8081 + offset}, wanted for the Schema Registry, is taken by process ${process.pid}`),
      ),
    })
    expect(existsSync(join(folder.path, `.selfmonitor/run/${offset}.json`))).toBe(false)
  })
})

const apache = inject('apache')

describe.skipIf('missing' in apache)('up --engine apache', () => {
  it('runs Kafka as processes of its own, and a second Ctrl-C leaves none of them behind', {
    timeout: 180_000,
  }, async () => {
    const offset = await freePortOffset()
    const running = start(['up', '--engine', 'apache', '--port-offset', String(offset), '--data-dir', 'kafka'])
    await running.says('Ready in')
    expect(running.said.stderr).toMatch(/… broker +formatting[\s\S]*✔ broker +\S+ +Apache Kafka \d+\.\d+\.\d+, 1 node/)
    const [broker, registry] = JSON.parse((await run(['status', '-o', 'json'])).stdout)
    expect(broker).toMatchObject({ part: 'broker 1 (apache)', state: 'up', pid: expect.any(Number) })
    expect(broker.pid).not.toBe(registry.pid)
    const identity = processIdentity(broker.pid)!

    running.child.kill('SIGINT')
    await running.says('Stopping')
    // The second key press, until it is taken as one of its own.
    const again = setInterval(() => running.child.kill('SIGINT'), 50)
    await running.ended()
    clearInterval(again)
    await vi.waitUntil(() => !isSameProcess(broker.pid, identity), { timeout: 10_000 })
    // An end that was asked for is nothing to report.
    expect(running.said.stderr).not.toContain('its log')
  })

  it('is stopped by one Ctrl-C while Kafka starts, without waiting for it', { timeout: 180_000 }, async () => {
    const offset = await freePortOffset()
    const running = start(['up', '--engine', 'apache', '--port-offset', String(offset), '--data-dir', 'early'])
    await running.says('starting Apache Kafka')
    running.child.kill('SIGINT')
    expect(await running.ended()).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/Stopping …[\s\S]*Stopped; the data stays\.\n$/),
    })
    expect(running.said.stderr).not.toContain('✔ broker')
    expect(existsSync(join(folder.path, 'early/apache/node-1/pid'))).toBe(false)
  })

  it('says which broker has died, and where its log is', { timeout: 180_000 }, async () => {
    const offset = await freePortOffset()
    const running = start(['up', '--engine', 'apache', '--port-offset', String(offset), '--data-dir', 'kafka'])
    await running.says('Ready in')
    const node = join(folder.path, 'kafka/apache/node-1')
    process.kill(Number(readFileSync(join(node, 'pid'), 'utf8')), 'SIGKILL')
    await running.says(`broker 1 ended (SIGKILL); its log: ${join(node, 'kafka.log')}`)
    running.child.kill('SIGINT')
    await running.ended()
  })
})

describe('up, as a script that npm runs', () => {
  /** A project whose script `platform` is `up`, with further words. */
  function project(name: string, more: string): string {
    const path = join(folder.path, name)
    mkdirSync(path)
    const platform = [process.execPath, '--conditions=source', main, 'up', more].join(' ')
    writeFileSync(join(path, 'package.json'), JSON.stringify({ name, scripts: { platform } }))
    return path
  }

  it('ends in order on a SIGTERM to npm, which ends only the shell between them', { timeout: 90_000 }, async () => {
    const offset = await freePortOffset()
    const cwd = project('signalled', `--port-offset ${offset}`)
    const npm = startProcess(['npm', 'run', 'platform'], cwd)
    await npm.says('Ready in')
    npm.child.kill('SIGTERM')
    // Only once every process that holds npm's outputs has ended.
    expect((await npm.ended()).stderr).toMatch(/Stopping …\n +Stopped; the data stays\./)
    expect(findStates(cwd).filter(({ state }) => state.portOffset === offset)).toEqual([])
  })

  // A process that knew of npm would end with the command that started it.
  const readable = existsSync('/proc/self/environ')
  it.skipIf(!readable)('knows nothing of npm in the background, with --detach', { timeout: 90_000 }, async () => {
    const offset = await freePortOffset()
    const cwd = project('detached', `--detach --port-offset ${offset}`)
    expect(await startProcess(['npm', 'run', 'platform'], cwd).ended()).toMatchObject({ code: 0 })
    const found = findStates(cwd).find(({ state }) => state.portOffset === offset)
    const environment = readFileSync(`/proc/${found!.state.process.pid}/environ`, 'utf8')
    expect(environment).not.toContain('npm_lifecycle_event=')
    expect((await run(['down', '--port-offset', String(offset)], cwd)).code).toBe(0)
  })
})

describe('the installed command', () => {
  it('says in one line that its output cannot be written', () => {
    // Open for reading only, as full as a disk can be.
    const unwritable = openSync(main, 'r')
    const { status, stderr } = spawnSync(process.execPath, ['--conditions=source', main, '--version'], {
      stdio: ['ignore', unwritable, 'pipe'],
      encoding: 'utf8',
    })
    closeSync(unwritable)
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^error Cannot write to standard output: .*\n$/),
    })
  })

  it('runs from a checkout without a build', async () => {
    expect(await start(['--version'], folder.path, [bin]).ended()).toMatchObject({ code: 0, stderr: '' })
  })
})
