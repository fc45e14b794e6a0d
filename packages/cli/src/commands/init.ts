// `selfmonitor init`: a small platform for any company, with a service and its test, that works at once.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fileProblem } from '@selfmonitor/cluster/file-problem'
import { CliError, usageError } from '../framework/errors.ts'
import { defineVerb, type Noun, optional } from '../framework/verb.ts'
import { version } from '../framework/version.ts'
import { platformPath, projectFiles, typesPath } from '../init/files.ts'
import { toJson } from '../output/data.ts'

const verb = defineVerb({
  name: 'init',
  summary: 'write a small platform, a service and its test',
  details:
    'Writes platform.yaml with one topic, its Avro schema, a service in TypeScript that emits and handles its records, and a\n' +
    'test of it, all of which work as written. Overwrites nothing: an existing package.json stays as it is.',
  examples: ['selfmonitor init', 'selfmonitor init shop'],
  args: { folder: optional('where to write (default: the current folder)') },
  output: ['text', 'json'],
  async run(context, { args }) {
    const { io } = context
    const folder = resolve(io.cwd, args.folder ?? '.')
    const files = new Map(Object.entries(projectFiles({ name: packageName(folder), version: version() })))
    // A project's own package.json and .gitignore are kept, and what they lack is said below.
    const kept = ['package.json', '.gitignore'].filter((path) => existsSync(join(folder, path)))
    for (const path of kept) files.delete(path)
    const inTheWay = [...files.keys(), typesPath].filter((path) => existsSync(join(folder, path)))
    if (inTheWay.length > 0) {
      throw new CliError(
        'FILE_EXISTS',
        `${inTheWay.join(', ')} ${inTheWay.length === 1 ? 'exists' : 'exist'} already.`,
        {
          hint: 'Nothing was written. Name another folder: `selfmonitor init <folder>`.',
        },
      )
    }
    try {
      for (const [path, text] of files) write(join(folder, path), text)
      const { generateTypes, loadPlatform } = await import('@selfmonitor/platform')
      write(join(folder, typesPath), generateTypes(await loadPlatform(join(folder, platformPath), { env: {} })))
    } catch (error) {
      const { code, path } = error as NodeJS.ErrnoException
      if (code === undefined || path === undefined) throw error
      throw new CliError('CANNOT_WRITE', `${path} cannot be written: ${fileProblem(error)}.`, { cause: error })
    }

    const written = [...files.keys(), typesPath].map((path) => relative(io.cwd, join(folder, path)))
    context.out(
      context.format === 'json' ? toJson({ folder, files: written }) : written.map((path) => `${path}\n`).join(''),
    )
    const { strong, aside, careful } = context.colours.stderr
    const from = checkout(import.meta.url)
    if (kept.includes('package.json')) {
      context.note(
        careful(
          `package.json was kept. The service needs "type": "module"${from === null ? ', and the packages\n  npm install @selfmonitor/events && npm install --save-dev selfmonitor @selfmonitor/broker' : '.'}`,
        ),
      )
    }
    const here = relative(io.cwd, folder)
    const own = !kept.includes('package.json')
    const steps: readonly (readonly [string, string])[] = [
      ...(from === null ? [] : [[`npm --prefix ${shellWord(from)} run release -- --only npm`, packing] as const]),
      ...(here === '' ? [] : [[`cd ${shellWord(here)}`, ''] as const]),
      ...(from !== null ? unpublished(from) : own ? [['npm install', ''] as const] : []),
      [own ? 'npm test' : 'node --test', 'the service against a broker in the test’s own process'],
      [own ? 'npm run platform' : 'npx selfmonitor up --setup', 'a platform with the topic, in a terminal of its own'],
      [own ? 'npm start' : 'node src/main.ts', 'the service: it places an order and handles it'],
      ['npx selfmonitor events tail orders', 'what is in the topic'],
    ]
    const width = Math.max(...steps.map(([command]) => command.length))
    const lines = steps.map(([command, what]) => `  ${strong(command.padEnd(width))}  ${aside(what)}`.trimEnd())
    context.note(`\nNext:\n\n${lines.join('\n')}\n`)
  },
})

const packing = 'builds the packages, which are not published yet; add --uncommitted if you have local changes'

/** How a project gets the packages that were made in a checkout, and a Node that runs them. */
function unpublished(root: string): readonly (readonly [string, string])[] {
  const packed = shellWord(`${root}/release/npm/`)
  return [
    [`npm install --save-dev ${packed}*.tgz`, 'all of them, because they need each other'],
    [`npm install ${packed}selfmonitor-events-*.tgz`, 'the one package that the service needs in production'],
    ['npm install --save-dev node@24', 'only if `node --version` is older than 24.6'],
  ]
}

/** Quoted where a shell would read it as something else. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** The folder of the checkout that this module runs in; null where the package is installed. */
function checkout(module: string): string | null {
  return module.includes('/node_modules/') ? null : fileURLToPath(new URL('../../../../', module)).replace(/\/$/, '')
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text, { flag: 'wx' })
}

/** The folder's name as npm takes it. @throws CliError when nothing of it can be one */
function packageName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+|[._-]+$/g, '')
  if (name !== '') return name
  throw usageError(
    `A package cannot have the name of the folder ${folder}.`,
    'Name another folder: selfmonitor init shop',
  )
}

export const init: Noun = { name: 'init', summary: verb.summary, verbs: [verb] }
