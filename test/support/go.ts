// Small Go programs, for tests that use Kafka's clients of that language as their users do. Each is built once into the cache
// outside the repository; its go.mod and go.sum pin what it uses. Go and its modules are not everywhere: tests that need them are
// skipped by name where they are missing, in CI too, as those that need Kubernetes are.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { chmod, cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheDir, run } from '@selfmonitor/apache'
import { onceInCache, ToolUnavailable } from '../deployment/static/fetch.ts'

const oldestGo = 26

/** The program that plays the scenarios of test/clients with franz-go. */
export const franzGoClient = fileURLToPath(new URL('../clients/franz-go', import.meta.url))

/** Programs built from a folder with a go.mod and a go.sum: packages by the names of their programs. */
export interface GoBuild {
  readonly folder: string
  readonly programs: Readonly<Record<string, string>>
  readonly tags?: readonly string[]
  readonly ldflags?: string
  /** Files to add to a module of go.mod, by path: what its own build makes before it calls Go. */
  readonly added?: { readonly module: string; readonly files: Readonly<Record<string, string>> }
  /** Default 10 minutes. */
  readonly timeoutMs?: number
}

const single = (folder: string): GoBuild => ({ folder, programs: { program: '.' } })

/** The folder of the cache that has the programs once they are built. */
export function builtFolder({ folder, programs, tags, ldflags, added }: GoBuild): string {
  const hash = createHash('sha256').update(JSON.stringify([programs, tags, ldflags, added]))
  for (const file of readdirSync(folder).toSorted()) hash.update(`${file}\0`).update(readFileSync(join(folder, file)))
  return join(cacheDir(), 'go', `${basename(folder)}-${hash.digest('hex').slice(0, 12)}`)
}

/** Null once the program in a folder has been built. */
export const missingGoProgram = (folder: string): string | null =>
  existsSync(builtFolder(single(folder)))
    ? null
    : `${basename(folder)} could not be built: it needs Go 1.${oldestGo} and its modules`

/**
 * Builds the program in a folder, unless it is in the cache.
 * @returns its path, or why it cannot be had here
 * @throws Error when what was fetched does not build
 */
export async function goProgram(folder: string): Promise<{ readonly value: string } | { readonly missing: string }> {
  const built = await buildGo(single(folder))
  return 'missing' in built ? built : { value: join(built.value, 'program') }
}

/**
 * Builds programs, unless they are in the cache.
 * @returns the folder that has them, or why they cannot be had here
 * @throws Error when what was fetched does not build
 */
export async function buildGo(
  build: GoBuild,
  progress: (line: string) => void = () => {},
): Promise<{ readonly value: string } | { readonly missing: string }> {
  const { folder, programs, tags = [], ldflags = '', timeoutMs = 600_000 } = build
  const built = builtFolder(build)
  if (existsSync(built)) return { value: built }

  const said = await run('go', ['env', 'GOVERSION']).catch(() => undefined)
  const version = /^go1\.(\d+)/.exec(said?.stdout.trim() ?? '')?.[1]
  if (version === undefined || Number(version) < oldestGo)
    return { missing: `go 1.${oldestGo} or newer is not installed` }
  const env = {
    ...process.env,
    GOFLAGS: '-mod=readonly -buildvcs=false',
    GOTOOLCHAIN: 'local',
    GOWORK: 'off',
    CGO_ENABLED: '0',
  }
  const options = ['-trimpath', `-tags=${tags.join(',')}`]
  try {
    await onceInCache(built, async (partial) => {
      const sources = join(partial, 'sources')
      await cp(folder, sources, { recursive: true })
      const go = (...args: readonly string[]) => run('go', args, { cwd: sources, env, timeoutMs })
      const fetched = async (...args: readonly string[]): Promise<string> => {
        const { exitCode, stdout, stderr } = await go(...args)
        if (exitCode === 0) return stdout
        throw new ToolUnavailable(
          `the Go modules of ${basename(folder)} could not be fetched: ${stderr.trim().split('\n').slice(-5).join('\n')}`,
        )
      }
      progress(`fetching the modules of ${basename(folder)}`)
      if (build.added !== undefined) {
        const { module, files } = build.added
        const { Dir } = JSON.parse(await fetched('mod', 'download', '-json', module)) as { Dir: string }
        await copyWith(Dir, join(sources, 'patched'), files)
        await fetched('mod', 'edit', `-replace=${module}=./patched`)
      }
      // Names every package that is needed, and fetches its module: a problem here is the network, a problem below is the build.
      await fetched('list', '-deps', ...options, ...Object.values(programs))
      for (const [name, from] of Object.entries(programs)) {
        progress(`building ${name}`)
        const output = ['-o', join(partial, name)]
        const { exitCode, stderr } = await go('build', ...options, `-ldflags=${ldflags}`, ...output, from)
        if (exitCode !== 0) throw new Error(`go build of ${name} in ${folder}:\n${stderr}`)
      }
      await rm(sources, { recursive: true })
    })
  } catch (error) {
    if (!(error instanceof ToolUnavailable)) throw error
    return { missing: error.message }
  }
  return { value: built }
}

/** Go's cache of modules cannot be written, its copy can. */
async function copyWith(from: string, to: string, files: Readonly<Record<string, string>>): Promise<void> {
  await cp(from, to, { recursive: true })
  for (const entry of [to, ...readdirSync(to, { recursive: true, encoding: 'utf8' }).map((name) => join(to, name))])
    await chmod(entry, 0o755)
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(to, name)), { recursive: true })
    await writeFile(join(to, name), text)
  }
}
