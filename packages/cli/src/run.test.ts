import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startBroker } from '@selfmonitor/broker'
import { describe, expect, it } from 'vitest'
import { version } from './framework/version.ts'
import { freePortOffset, selfmonitor, temporaryFolder } from './test-io.ts'

describe('the command line', () => {
  it('prints its version and its help on standard output', async () => {
    expect(await selfmonitor(['--version'])).toEqual({ code: 0, stdout: `${version()}\n`, stderr: '' })
    for (const words of [[], ['--help'], ['help']]) {
      const { code, stdout, stderr } = await selfmonitor(words)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(/Usage: selfmonitor[\s\S]*topics {2,}topics: list, describe[\s\S]*Examples:/)
    }
  })

  it('prints a verb’s help with its options, the global ones and examples', async () => {
    const { code, stdout } = await selfmonitor(['groups', 'reset-offsets', '--help'])
    expect(code).toBe(0)
    for (const strategy of ['earliest', 'latest', 'current', 'offset', 'datetime'])
      expect(stdout).toContain(`--to-${strategy}`)
    for (const name of [
      '--shift-by',
      '--by-duration',
      '--from-file',
      '--from-group',
      '--execute',
      '--bootstrap-servers',
      'Examples:',
    ]) {
      expect(stdout).toContain(name)
    }
  })

  it.each([
    [
      ['help', 'topics', 'create'],
      ['topics', 'create', '--help'],
    ],
    [
      ['help', 'topics'],
      ['topics', '--help'],
    ],
    [
      ['help', 'up'],
      ['up', '--help'],
    ],
    [['help', '--no-color'], ['--help']],
  ])('%j prints what %j does', async (help, same) => {
    const { code, stdout, stderr } = await selfmonitor(help)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe((await selfmonitor(same)).stdout)
  })

  it('prints the verbs of a group, and where the options of every command are described', async () => {
    for (const words of [
      ['topics', '--help'],
      ['schemas', 'compatibility', '--help'],
    ]) {
      const { stdout } = await selfmonitor(words)
      expect(stdout).not.toContain('--bootstrap-servers')
      expect(stdout).toContain('print help for a command')
      expect(stdout).toMatch(/Commands:\n.*Global options: selfmonitor --help\n$/s)
    }
  })

  it.each([[['help', 'topcs']], [['help', 'topics', 'crate']], [['topcs', '--help']], [['topics', 'crate', '-h']]])(
    '%j is wrong usage, with what was meant',
    async (words) => {
      expect(await selfmonitor(words)).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(/unknown command.*\n.*Did you mean (topics|create)\?/),
      })
    },
  )

  it.each([
    ['http://annabel:s3cret@127.0.0.1:1', 4],
    ['http://annabel:s3/cret@127.0.0.1:1', 2],
  ])('never shows the password of SCHEMA_REGISTRY_URL=%s', async (url, exitCode) => {
    const env = { SCHEMA_REGISTRY_URL: url }
    for (const words of [
      ['schemas', 'list'],
      ['schemas', 'delete', 'a', '--yes'],
    ]) {
      const { code, stdout, stderr } = await selfmonitor(words, { env })
      expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' })
      expect(stderr).toContain('http://127.0.0.1:1')
      expect(stderr).not.toMatch(/annabel|cret/)
    }
  })

  it('status asks the registry as the user in its URL, and shows the URL without', async () => {
    const asked: (string | undefined)[] = []
    const server = createServer(({ headers }, response) => {
      asked.push(headers.authorization)
      response.end('[]')
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      const env = { KAFKA_BOOTSTRAP_SERVERS: '127.0.0.1:1', SCHEMA_REGISTRY_URL: `http://ann:s3cret@${address}` }
      const { stdout } = await selfmonitor(['status', '-o', 'json'], { env })
      expect(JSON.parse(stdout)).toMatchObject([
        { part: 'broker', state: 'not answering' },
        { part: 'registry', state: 'up', address: `http://${address}` },
      ])
      expect(asked).toEqual([`Basic ${Buffer.from('ann:s3cret').toString('base64')}`])
    } finally {
      server.close()
    }
  })

  it('wraps help to the terminal, not where the source breaks its lines', async () => {
    const { stdout } = await selfmonitor(['apply', '--help'])
    expect(stdout).toContain(
      'Shows the plan, asks, and applies it, with a line for each change that is done.\nIn production you type the name of the environment, or give it with --confirm.\nApplying again',
    )
    expect(stdout).not.toContain('default: false')
  })

  it.each([
    [['topcs'], /unknown command 'topcs'\n.*Did you mean topics\?/],
    [['topics', 'lst'], /unknown command 'lst'\n.*Did you mean list\?/],
    [['topics'], /selfmonitor topics needs a command\.\n +One of list, describe, .*See `selfmonitor topics --help`\./],
    [
      ['topics', '--list'],
      /unknown option '--list'\n +Did you mean selfmonitor topics list\? See `selfmonitor topics --help`\./,
    ],
    [['topics', 'rm', 'orders'], /unknown command 'rm'\n +Did you mean delete\?/],
    [['groups', 'reset', 'g'], /unknown command 'reset'\n +Did you mean reset-offsets\?/],
    [
      ['groups', 'billing'],
      /selfmonitor groups: missing verb before 'billing'; one of list, describe, lag, reset-offsets, delete\n/,
    ],
    [['schemas', 'compatibility', 'a-value'], /compatibility: missing verb before 'a-value'; one of get, set\n/],
    [
      ['consumer-groups', 'list'],
      /unknown command 'consumer-groups'\n +Did you mean groups\? See `selfmonitor --help`\./,
    ],
    [['--env', 'staging', 'events', 'consume'], /Did you mean tail\? See `selfmonitor events --help`\./],
    [
      ['events', 'tail', '--from', 'yesterday'],
      /'yesterday' is invalid.*\n +See `selfmonitor events tail --help`\.\n$/,
    ],
    [['topics', 'list', '--interal'], /unknown option '--interal'\n.*Did you mean --internal\?/],
    [['topics', 'list', '-o', 'xml'], /Allowed choices are table, json, yaml, name/],
    [['topics', 'describe'], /missing required argument 'topic'/],
    [['topics', 'list', '--timeout', 'soon'], /"soon" is not a duration/],
    [['up', '--engine', 'redpanda'], /Allowed choices are embedded, apache/],
    [['up', '--port-offset', '60000'], /at most 50000/],
    [['up', '--engine', 'apache', '--brokers', '2'], /started with 1 or 3/],
    [['groups', 'reset-offsets', 'g', '--all-topics'], /Say where to reset the offsets to/],
    [['groups', 'reset-offsets', 'g', '--to-latest'], /Name the topics to reset/],
    [['events', 'emit', 'a', 'b', '--user', 'u', '--data', '{'], /--data is not JSON/],
    [
      ['events', 'emit', 'a', 'b', '--user', 'u', '--data', '@nowhere.json'],
      /--data nowhere\.json: there is no such file/,
    ],
    [['events', 'emit', 'a', 'b'], /Pass --user/],
    [['schemas', 'check', 's', 'nowhere.avsc'], /The schema file nowhere\.avsc: there is no such file/],
    [
      ['groups', 'reset-offsets', 'g', '--topic', 't', '--from-file', 'nowhere.csv'],
      /--from-file nowhere\.csv: there is no such file/,
    ],
    [['schemas', 'get'], /Name a subject, or pass --id/],
    [['completion', 'tcsh'], /Use bash, zsh or fish/],
    [
      ['schemas', 'list', '--registry-url', 'localhost:8081'],
      /not the URL of a Schema Registry\.\n +Write http:\/\/localhost:8081\n$/,
    ],
    [['schemas', 'list', '--registry-url', 'ftp://localhost:8081'], /Write http:\/\/host:8081/],
    [['topics', 'list', '--port-offset', '1', '--bootstrap-servers', 'a:1'], /cannot be used together/],
    [['validate'], /There is no platform\.yaml/],
    [['validate', '-f', 'nowhere.yaml'], /There is no file nowhere\.yaml/],
  ])('%j is wrong usage: exit code 2, one message, nothing on standard output', async (words, message) => {
    const { code, stdout, stderr } = await selfmonitor(words)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/ at .*\.ts:/)
  })

  it('cannot connect: exit code 4, what was tried and why, and what to do', async () => {
    const { code, stdout, stderr } = await selfmonitor([
      'topics',
      'list',
      '--bootstrap-servers',
      '127.0.0.1:1',
      '--timeout',
      '2s',
    ])
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
    expect(stderr).toMatch(/^error Cannot connect to broker 127\.0\.0\.1:1.*from --bootstrap-servers/)
    expect(stderr).toContain('selfmonitor up')
    const registry = await selfmonitor(['schemas', 'list', '--registry-url', 'http://127.0.0.1:1', '--timeout', '2s'])
    expect(registry).toMatchObject({ code: 4, stdout: '', stderr: expect.stringContaining('from --registry-url') })
  })

  it('names the origin of an address at which Kafka answers instead of a registry', async () => {
    const broker = await startBroker()
    const words = ['schemas', 'list', '--timeout', '2s', '--bootstrap-servers', broker.bootstrapServers]
    const { code, stderr } = await selfmonitor([...words, '--registry-url', `http://${broker.bootstrapServers}`])
    await broker.close()
    expect({ code, stderr }).toEqual({
      code: 4,
      stderr: expect.stringMatching(/registry http:.*, from --registry-url/),
    })
  })

  it('waits for the cluster in setup, and says what it waited for', async () => {
    const file = fileURLToPath(new URL('../../../platform.yaml', import.meta.url))
    const words = ['setup', '-f', file, '--wait', '300ms', '--bootstrap-servers', '127.0.0.1:1', '--timeout', '1s']
    expect(await selfmonitor(words)).toMatchObject({
      code: 4,
      stdout: '',
      stderr: expect.stringMatching(
        /waiting for Kafka at 127\.0\.0\.1:1[\s\S]*Kafka at 127\.0\.0\.1:1 has not come up within/,
      ),
    })
  })

  it('says when the data directory cannot be made', async () => {
    const file = fileURLToPath(import.meta.url)
    expect(await selfmonitor(['up', '--data-dir', file, '--port-offset', '41234'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/Cannot make the data directory .*run\.test\.ts\/embedded[\s\S]*--data-dir/),
    })
  })

  it('explains how to choose another directory instead of one with other data', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder.path, 'embedded'))
    writeFileSync(join(folder.path, 'embedded/letters.txt'), 'mine')
    const words = ['up', '--data-dir', folder.path, '--port-offset', String(await freePortOffset())]
    const result = await selfmonitor(words, { cwd: folder.path })
    expect(result).toMatchObject({ code: 1, stderr: expect.stringMatching(/it has letters\.txt[\s\S]*--data-dir/) })
    folder.remove()
  })

  it('prints errors as JSON where the output is JSON, and their stack only with --verbose', async () => {
    const json = await selfmonitor([
      'topics',
      'list',
      '-o',
      'json',
      '--bootstrap-servers',
      '127.0.0.1:1',
      '--timeout',
      '2s',
    ])
    expect(json).toMatchObject({ code: 4, stdout: '' })
    expect(JSON.parse(json.stderr)).toEqual({
      error: { code: 'CANNOT_CONNECT', message: expect.any(String), hint: expect.any(String) },
    })
    const verbose = await selfmonitor([
      'topics',
      'list',
      '--verbose',
      '--bootstrap-servers',
      '127.0.0.1:1',
      '--timeout',
      '2s',
    ])
    expect(verbose.stderr).toMatch(/^ {4}at /m)
  })

  it.each(['bash', 'zsh', 'fish'])('prints a completion script for %s that asks the command itself', async (shell) => {
    const { code, stdout } = await selfmonitor(['completion', shell])
    expect(code).toBe(0)
    expect(stdout).toContain('selfmonitor __complete --')
    expect((await selfmonitor(['__complete', '--', 'topics', 'de'])).stdout).toBe('describe\ndelete\n')
  })

  it('says that the demo needs its topics, where they are not', async () => {
    const broker = await startBroker()
    const result = await selfmonitor(['demo', '--duration', '1s', '--bootstrap-servers', broker.bootstrapServers])
    await broker.close()
    expect(result).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/user\.events[\s\S]*selfmonitor setup/),
    })
  })
})
