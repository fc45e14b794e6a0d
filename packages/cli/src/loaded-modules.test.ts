// What a command that only reads has to load. Loading is most of what such a command costs, and it is counted in modules
// here, because times differ from machine to machine.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { type RegistryServer, startRegistry } from '@selfmonitor/registry'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from './test-io.ts'

const repository = fileURLToPath(new URL('../../../', import.meta.url))
const bin = fileURLToPath(new URL('../bin/selfmonitor.js', import.meta.url))
const folder = temporaryFolder()
let broker: Broker
let registry: RegistryServer

/** Runs in the command's process: notes each module of a file, and which of Node's own parts were loaded. */
const recorder = `
  import { registerHooks } from 'node:module'
  import { writeFileSync } from 'node:fs'
  const files = []
  registerHooks({ load: (url, context, next) => { files.push(url); return next(url, context) } })
  process.on('exit', () => writeFileSync(process.env.LOADED, JSON.stringify({ files, builtin: process.moduleLoadList })))
`

interface Loaded {
  readonly files: readonly string[]
  readonly builtin: readonly string[]
}

async function loadedBy(words: readonly string[]): Promise<Loaded> {
  const out = join(folder.path, 'loaded.json')
  const child = spawn(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(recorder)}`, bin, ...words],
    {
      cwd: folder.path,
      env: {
        PATH: process.env.PATH,
        LOADED: out,
        KAFKA_BOOTSTRAP_SERVERS: broker.bootstrapServers,
        SCHEMA_REGISTRY_URL: registry.url,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  const [code] = await once(child, 'close')
  expect({ code, stderr }).toMatchObject({ code: expect.toSatisfy((n) => n === 0 || n === 3) })
  return JSON.parse(readFileSync(out, 'utf8')) as Loaded
}

beforeAll(async () => {
  broker = await startBroker()
  registry = await startRegistry({ bootstrapServers: broker.bootstrapServers, port: 0 })
  mkdirSync(join(folder.path, 'schemas'))
  for (const name of ['user.events', 'user.events.avsc']) {
    cpSync(join(repository, 'schemas', name), join(folder.path, 'schemas', name), { recursive: true })
  }
  writeFileSync(
    join(folder.path, 'platform.yaml'),
    'defaults: { schema: "schemas/{topic}.avsc", events: "schemas/{topic}" }\ntopics: { user.events: { partitions: 1 } }\n',
  )
  await loadedBy(['setup'])
})
afterAll(async () => {
  await registry?.close()
  await broker?.close()
  folder.remove()
})

const event = ['user_closed', '--user', 'u-1', '--data', '{"reason":"user_request"}']

describe('a command that only reads', () => {
  // Ours and those of packages. Each module costs every call about 0.3 ms of CPU.
  it.each([
    { words: ['--version'], most: 53, without: ['@platformatic/kafka', 'zod', 'yaml', 'ajv', 'avsc'] },
    { words: ['topics', 'list'], most: 228, without: ['zod', 'yaml', 'ajv', 'avsc', 'fastify', 'pino'] },
    { words: ['events', 'tail', 'user.events'], most: 355, without: ['zod', 'yaml', 'ajv', 'fastify', 'pino'] },
    { words: ['types'], most: 264, without: ['@platformatic/kafka', 'ajv', 'avsc', 'fastify', 'pino'] },
    { words: ['validate'], most: 264, without: ['@platformatic/kafka', 'ajv', 'avsc', 'fastify', 'pino'] },
    { words: ['plan'], most: 418, without: ['ajv', 'avsc', 'fastify', 'pino'] },
    {
      words: ['events', 'emit', 'user.events', ...event],
      most: 595,
      without: ['@opentelemetry', 'zod', 'fastify', 'pino'],
    },
  ])('$words.0 $words.1 loads at most $most modules', async ({ words, most, without }) => {
    const { files, builtin } = await loadedBy(words)
    for (const name of without) {
      expect({ name, files: files.filter((url) => url.includes(`/node_modules/${name}/`)) }).toEqual({
        name,
        files: [],
      })
    }
    // An import of node:http asks for all that it exports, and so loads the whole of undici.
    expect(builtin.filter((name) => name.includes('deps/undici'))).toEqual([])
    expect(files.length).toBeLessThanOrEqual(most)
  })
})
