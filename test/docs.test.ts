// Checks the documents against the code: generated tables are up to date, examples run, JSON has the documented shape, links
// resolve.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { type RegistryServer, startRegistry } from '@selfmonitor/registry'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { nouns } from '../packages/cli/src/commands/index.ts'
import { type RunResult, selfmonitor } from '../packages/cli/src/test-io.ts'
import { generatedDocuments, replaceSections } from '../scripts/docs/sections.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

/** The code blocks of a document in one language, with the rest of the line that opens each. */
function blocks(text: string, language: string): { readonly info: string; readonly code: string }[] {
  return [...text.matchAll(/^```(\w+)(?: (.*))?\n([\s\S]*?)^```$/gm)]
    .filter(([, name]) => name === language)
    .map(([, , info = '', code = '']) => ({ info, code }))
}

/** Splits a command line into words as a shell does. It knows only the quotes that the documents use. */
function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, plain]) => single ?? double ?? plain!)
}

/** A document without its code blocks. */
const prose = (file: string): string => readFileSync(file, 'utf8').replaceAll(/^ *```[\s\S]*?^ *```$/gm, '')

/** The anchors of a document: its headings in the form that GitHub gives them. */
function anchors(file: string): Set<string> {
  const headings = prose(file).matchAll(/^#+ (.+)$/gm)
  return new Set(
    [...headings].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  )
}

describe('the generated tables', () => {
  it.each(Object.keys(generatedDocuments))('of %s are those of the code (else: npm run docs)', async (file) => {
    const text = read(file)
    expect(await replaceSections(text, generatedDocuments[file]!)).toBe(text)
  })
})

describe('links', () => {
  const written = ['.', 'docs', 'docs/guides', 'docs/runbooks', 'infra/kafka']
  const folders = [...written, ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}`)]
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  )
  it.each(files)('of %s lead to files that are there', (file) => {
    const targets = [...prose(join(root, file)).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target]) => target!)
    const missing = targets.filter(
      (target) => !/^[a-z]+:/.test(target) && !existsSync(resolve(root, dirname(file), target)),
    )
    expect(missing).toEqual([])
  })
  it.each(files)('of %s lead to headings that are there', (file) => {
    const links = [...prose(join(root, file)).matchAll(/\]\(([^)#\s:]*)#([^)\s]+)\)/g)].map(([, to, heading]) => ({
      to: to!,
      heading: heading!,
    }))
    const missing = links.filter(({ to, heading }) => {
      const target = to === '' ? resolve(root, file) : resolve(root, dirname(file), to)
      return target.endsWith('.md') && existsSync(target) && !anchors(target).has(heading)
    })
    expect(missing).toEqual([])
  })
})

describe('the TypeScript examples', () => {
  const documents = ['broker', 'cluster', 'platform', 'protocol', 'cli'].map((name) => `packages/${name}/README.md`)
  const examples = ['docs/embedded-broker.md', ...documents].flatMap((file) =>
    blocks(read(file), 'ts').map(({ code }, at) => ({ name: `${file} ${at + 1}`, code })),
  )
  it.each(examples)('$name runs', async ({ code }) => {
    await runs(code)
  })
  it.skipIf('missing' in inject('apache'))('packages/apache/README.md runs', { timeout: 120_000 }, async () => {
    for (const { code } of blocks(read('packages/apache/README.md'), 'ts')) await runs(code)
  })

  async function runs(code: string): Promise<void> {
    const child = spawn(process.execPath, ['--conditions=source', '--input-type=module-typescript', '-'], {
      cwd: root,
      stdio: 'pipe',
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)))
    child.stdin.end(code)
    const [exitCode] = await once(child, 'close')
    expect(exitCode, output).toBe(0)
  }
})

describe('the examples of the commands', () => {
  let folder: string
  let broker: Broker
  let registry: RegistryServer
  const cli = (line: readonly string[]): Promise<RunResult> =>
    selfmonitor(line, {
      cwd: folder,
      env: { KAFKA_BOOTSTRAP_SERVERS: broker.bootstrapServers, SCHEMA_REGISTRY_URL: registry.url },
    })

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'docs-'))
    for (const name of ['platform.yaml', 'schemas']) cpSync(join(root, name), join(folder, name), { recursive: true })
    broker = await startBroker()
    registry = await startRegistry({ bootstrapServers: broker.bootstrapServers, port: 0 })
  })
  afterAll(async () => {
    await registry?.close()
    await broker?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('print JSON of the shape that docs/commands.md shows', async () => {
    const shown = blocks(read('docs/commands.md'), 'json')
    expect(shown.length).toBeGreaterThan(10)
    for (const { info, code } of shown) {
      const { code: exitCode, stdout, stderr } = await cli(words(info))
      expect([0, 3], `${info}: ${stderr}`).toContain(exitCode)
      expect(differences(JSON.parse(code), JSON.parse(stdout)), info).toEqual([])
    }
  })

  it('of docs/backup.md run, one after the other', async () => {
    expect(await cli(['setup'])).toMatchObject({ code: 0 })
    const [block] = [...read('docs/backup.md').matchAll(/^```\n([\s\S]*?)^```$/gm)]
    const lines = [...block![1]!.matchAll(/^\$ npx selfmonitor (.*)$/gm)].map(([, line]) => words(line!))
    expect(lines.length).toBeGreaterThan(4)
    for (const line of lines) expect(await cli(line), line.join(' ')).toMatchObject({ code: 0 })
  })

  it('of the verbs emit what the payload schemas allow', async () => {
    const verbs = (await Promise.all(nouns.map(({ load }) => load()))).flatMap((noun) => noun.verbs)
    const emits = verbs.flatMap(({ examples }) => examples).filter((line) => /events emit .* --user .* '\{/.test(line))
    expect(emits.length).toBeGreaterThan(0)
    for (const line of emits) expect(await cli(words(line).slice(1)), line).toMatchObject({ code: 0 })
  })
})

/** Maps with arbitrary keys. */
const open: ReadonlySet<string> = new Set(['config', 'data', 'headers'])

/** The paths at which two values differ in keys or kinds. Null and an empty list match anything. */
function differences(shown: unknown, real: unknown, path = ''): string[] {
  if (shown === null || real === null) return []
  if (typeof shown !== typeof real || Array.isArray(shown) !== Array.isArray(real)) return [`${path}: another kind`]
  if (Array.isArray(shown) && Array.isArray(real)) {
    return shown.length === 0 || real.length === 0 ? [] : differences(shown[0], real[0], `${path}[]`)
  }
  if (typeof shown !== 'object' || typeof real !== 'object') return []
  const keys = [...new Set([...Object.keys(shown), ...Object.keys(real)])]
  return keys.flatMap((key) => {
    if (!(key in shown) || !(key in real)) return [`${path}.${key}: ${key in real ? 'not shown' : 'only shown'}`]
    const at = [shown, real].map((one) => (one as Record<string, unknown>)[key])
    return open.has(key) ? [] : differences(at[0], at[1], `${path}.${key}`)
  })
}
