import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  findStates,
  isSameProcess,
  processIdentity,
  projectRoot,
  type RunState,
  residentBytes,
  stateFile,
  writeState,
} from '@selfmonitor/platform/running'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { selfmonitor, temporaryFolder } from '../test-io.ts'

const folder = temporaryFolder()
const sleeper = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' })
afterAll(() => {
  sleeper.kill('SIGKILL')
  folder.remove()
})

let cwd = ''
let serial = 0
beforeEach(() => {
  serial += 1
  cwd = join(folder.path, String(serial))
  mkdirSync(join(cwd, '.selfmonitor'), { recursive: true })
})

function state(process: RunState['process'], more: Partial<RunState> = {}): RunState {
  return {
    formatVersion: 1,
    process,
    ready: true,
    startedAtMs: Date.now() - 90_000,
    engine: 'embedded',
    environment: 'staging',
    portOffset: 100,
    bootstrapServers: '127.0.0.1:1',
    registryUrl: 'http://127.0.0.1:2',
    dataDir: '/data',
    logFile: '/log',
    nodes: [],
    ...more,
  }
}

describe('what runs here', () => {
  it('is found from any folder of the project, and counts as gone when the process is another', () => {
    const identity = processIdentity(sleeper.pid!)!
    writeState(stateFile(cwd, 100), state({ pid: sleeper.pid!, identity }))
    writeState(stateFile(cwd, 0), state({ pid: sleeper.pid!, identity: 'of a process before it' }, { portOffset: 0 }))
    writeFileSync(join(cwd, '.selfmonitor/run/200.json'), '{ half a file')
    mkdirSync(join(cwd, 'deep/inside'), { recursive: true })
    expect(projectRoot(join(cwd, 'deep/inside'))).toBe(cwd)
    expect(findStates(join(cwd, 'deep/inside')).map(({ state: { portOffset }, alive }) => [portOffset, alive])).toEqual(
      [
        [0, false],
        [100, true],
      ],
    )
  })

  it('gives the other commands their addresses, after options and variables', async () => {
    writeState(stateFile(cwd, 100), state({ pid: process.pid, identity: processIdentity(process.pid)! }))
    const said = async (words: string[], env: Record<string, string> = {}): Promise<string> =>
      (await selfmonitor(['topics', 'list', '--timeout', '2s', ...words], { cwd, env })).stderr
    expect(await said([])).toContain('127.0.0.1:1, from selfmonitor up')
    expect(await said([], { KAFKA_BOOTSTRAP_SERVERS: '127.0.0.1:3' })).toContain(
      '127.0.0.1:3, from KAFKA_BOOTSTRAP_SERVERS',
    )
    expect(await said(['--bootstrap-servers', '127.0.0.1:4'], { KAFKA_BOOTSTRAP_SERVERS: '127.0.0.1:3' })).toContain(
      '127.0.0.1:4, from --bootstrap-servers',
    )
  })

  it('that has stopped is not replaced by what listens on the default port', async () => {
    const dead = state(
      { pid: sleeper.pid!, identity: 'of a process before it' },
      { bootstrapServers: '127.0.0.1:9192' },
    )
    writeState(stateFile(cwd, 100), { ...dead, dataDir: join(cwd, '.selfmonitor/data/embedded') })
    writeFileSync(join(cwd, 'platform.yaml'), 'version: 1\ntopics:\n  a: { partitions: 1, replication: 1 }\n')
    for (const words of [
      ['topics', 'list'],
      ['setup'],
      ['apply', '--yes'],
      ['events', 'tail', 'a'],
      ['schemas', 'list'],
    ]) {
      expect(await selfmonitor([...words, '--timeout', '1s'], { cwd }), words.join(' ')).toMatchObject({
        code: 4,
        stdout: '',
        stderr: expect.stringMatching(
          /This project's platform at 127\.0\.0\.1:9192 is stopped\.\n.*`selfmonitor up --port-offset 100`/,
        ),
      })
    }
    const json = await selfmonitor(['topics', 'list', '-o', 'json'], { cwd })
    expect(JSON.parse(json.stderr).error.code).toBe('PLATFORM_STOPPED')
    expect((await selfmonitor(['reset', '--yes'], { cwd })).code).toBe(0)
  })

  describe('twice', () => {
    const me = () => ({ pid: process.pid, identity: processIdentity(process.pid)! })
    const command = (...words: string[]) => selfmonitor([...words, '--timeout', '1s'], { cwd })
    beforeEach(() => {
      writeState(stateFile(cwd, 0), state(me(), { portOffset: 0, bootstrapServers: '127.0.0.1:1' }))
      writeState(stateFile(cwd, 100), state(me(), { portOffset: 100, bootstrapServers: '127.0.0.1:3' }))
    })

    it('is an error of every command that has to know which, and lists them', async () => {
      for (const words of [
        ['topics', 'list'],
        ['schemas', 'list'],
        ['events', 'tail'],
        ['groups', 'list'],
      ]) {
        const { code, stdout, stderr } = await command(...words)
        expect({ words, code, stdout }).toEqual({ words, code: 2, stdout: '' })
        expect(stderr).toMatch(
          /^error Several platforms are running in this project; choose one\.\n +Pass one of these:\n +--port-offset 0 .*\n +--port-offset 100 /,
        )
      }
    })

    it('is not an error for commands that need no cluster, or show all platforms', async () => {
      writeFileSync(join(cwd, 'platform.yaml'), 'environments: { staging: {} }\ntopics: { a: { partitions: 1 } }')
      expect((await command('validate')).code).toBe(0)
      expect((await command('types')).code).toBe(0)
      expect(JSON.parse((await command('status', '-o', 'json')).stdout)).toHaveLength(4)
    })

    it('is told apart by --port-offset, on every command', async () => {
      expect((await command('topics', 'list', '--port-offset', '100')).stderr).toContain(
        '127.0.0.1:3, from selfmonitor up',
      )
      expect((await command('--port-offset', '0', 'topics', 'list')).stderr).toContain(
        '127.0.0.1:1, from selfmonitor up',
      )
      expect((await command('schemas', 'list', '--port-offset', '0')).stderr).toContain(
        'registry http://127.0.0.1:2, from',
      )
      expect(JSON.parse((await command('status', '--port-offset', '100', '-o', 'json')).stdout)).toMatchObject([
        { address: '127.0.0.1:3' },
        {},
      ])
      const variable = { cwd, env: { KAFKA_BOOTSTRAP_SERVERS: '127.0.0.1:4' } }
      expect(
        (await selfmonitor(['topics', 'list', '--port-offset', '100', '--timeout', '1s'], variable)).stderr,
      ).toContain('127.0.0.1:3, from selfmonitor up')
      expect(await command('topics', 'list', '--port-offset', '100', '--bootstrap-servers', 'a:1')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('cannot be used together'),
      })
    })

    it('leaves an offset that does not run to be named: by down, by status, by all others', async () => {
      const down = await command('down', '--port-offset', '200')
      expect(down).toMatchObject({ code: 0, stdout: '' })
      expect(down.stderr).toMatch(/no platform with port offset 200[\s\S]*--port-offset 0 [\s\S]*--port-offset 100 /)
      expect(await command('status', '--port-offset', '200')).toMatchObject({
        code: 4,
        stderr: expect.stringContaining('Nothing runs here with port offset 200'),
      })
      expect(await command('topics', 'list', '--port-offset', '200')).toMatchObject({
        code: 4,
        stderr: expect.stringMatching(/No platform with port offset 200 runs here[\s\S]*--port-offset 100/),
      })
    })
  })

  it('whose broker has died is reported with the same remedy by `up` and by commands without an answer', async () => {
    const node = { pid: sleeper.pid!, identity: 'of a process before it', nodeId: 1, address: '127.0.0.1:1' }
    const main = { pid: process.pid, identity: processIdentity(process.pid)! }
    writeState(stateFile(cwd, 100), state(main, { engine: 'apache', nodes: [node] }))
    const remedy =
      '`selfmonitor down --port-offset 100`, then `selfmonitor up --engine apache --port-offset 100 --data-dir /`, restarts it'
    const up = await selfmonitor(['up', '--port-offset', '100'], { cwd })
    const list = await selfmonitor(['topics', 'list', '--timeout', '1s'], { cwd })
    const status = await selfmonitor(['status'], { cwd })
    expect([up.code, list.code, status.code]).toEqual([1, 4, 4])
    for (const { stderr } of [up, list, status]) {
      expect(stderr).toContain(remedy)
      expect(stderr).toContain('/data/node-1/kafka.log')
    }
  })

  it('is shown by status as recorded, but not answering', async () => {
    writeState(stateFile(cwd, 100), state({ pid: process.pid, identity: processIdentity(process.pid)! }))
    const { code, stdout } = await selfmonitor(['status', '-o', 'json'], { cwd })
    expect(code).toBe(4)
    expect(JSON.parse(stdout)).toMatchObject([
      { part: 'broker (embedded)', state: 'not answering', pid: process.pid },
      { part: 'registry', state: 'not answering', memoryBytes: expect.any(Number) },
    ])
  })
})

describe('down', () => {
  it('says that there is nothing to stop', async () => {
    expect(await selfmonitor(['down'], { cwd })).toEqual({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('Nothing to stop'),
    })
  })

  it('never stops another process that has the same process id now', async () => {
    writeState(stateFile(cwd, 100), state({ pid: sleeper.pid!, identity: 'of a process before it' }))
    const { code, stderr } = await selfmonitor(['down'], { cwd })
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('had already ended') })
    expect(sleeper.exitCode ?? sleeper.signalCode).toBeNull()
    expect(findStates(cwd)).toEqual([])
  })

  it('stops brokers that outlived the process that started them', async () => {
    const orphan = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' })
    const ended = once(orphan, 'exit')
    const node = { pid: orphan.pid!, identity: processIdentity(orphan.pid!)!, nodeId: 1, address: '127.0.0.1:1' }
    writeState(stateFile(cwd, 100), state({ pid: sleeper.pid!, identity: 'gone' }, { engine: 'apache', nodes: [node] }))
    expect((await selfmonitor(['up', '--port-offset', '100'], { cwd })).stderr).toContain(
      `process ${orphan.pid} still runs`,
    )
    expect((await selfmonitor(['down'], { cwd })).code).toBe(0)
    expect((await ended)[1]).toBe('SIGTERM')
  })

  it('gives up on a process that does not end, and kills it with --force', async () => {
    const stubborn = spawn(
      process.execPath,
      ['-e', 'process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1e6)'],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    )
    const ended = once(stubborn, 'exit')
    await once(stubborn.stdout!, 'data')
    writeState(stateFile(cwd, 100), state({ pid: stubborn.pid!, identity: processIdentity(stubborn.pid!)! }))
    const first = await selfmonitor(['down', '--timeout', '100ms'], { cwd })
    expect(first).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`Process ${stubborn.pid} has not ended within 100 ms`),
    })
    expect((await selfmonitor(['down', '--timeout', '100ms', '--force'], { cwd })).code).toBe(0)
    expect((await ended)[1]).toBe('SIGKILL')
  })
})

describe('a process', () => {
  it('has an identity and a size while it lives', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' })
    const identity = processIdentity(child.pid!)!
    expect(isSameProcess(child.pid!, identity)).toBe(true)
    expect(residentBytes(process.pid)).toBeGreaterThan(10_000_000)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(isSameProcess(child.pid!, identity)).toBe(false)
  })
})
