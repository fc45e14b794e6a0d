// Small Go programs, for tests that use Kafka's clients of that language as their users do. Each is built once into the cache
// outside the repository; its go.mod and go.sum pin what it uses. Go and its modules are not everywhere: tests that need them are
// skipped by name where they are missing, in CI too, as those that need Kubernetes are.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheDir, run } from '@selfmonitor/apache'
import { onceInCache } from '../deployment/static/fetch.ts'

const oldestGo = 26

/** The program that plays the scenarios of test/clients with franz-go. */
export const franzGoClient = fileURLToPath(new URL('../clients/franz-go', import.meta.url))

function builtFolder(folder: string): string {
  const hash = createHash('sha256')
  for (const file of readdirSync(folder).toSorted()) hash.update(`${file}\0`).update(readFileSync(join(folder, file)))
  return join(cacheDir(), 'go', `${basename(folder)}-${hash.digest('hex').slice(0, 12)}`)
}

/** Null once the program in a folder has been built. */
export const missingGoProgram = (folder: string): string | null =>
  existsSync(builtFolder(folder))
    ? null
    : `${basename(folder)} could not be built: it needs Go 1.${oldestGo} and its modules`

/**
 * Builds the program in a folder, unless it is in the cache.
 * @returns its path, or why it cannot be had here
 * @throws Error when what was fetched does not build
 */
export async function goProgram(folder: string): Promise<{ readonly value: string } | { readonly missing: string }> {
  const built = builtFolder(folder)
  if (existsSync(built)) return { value: join(built, 'program') }

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
  const go = (cwd: string, ...args: readonly string[]) => run('go', args, { cwd, env, timeoutMs: 600_000 })
  const fetched = await go(folder, 'mod', 'download')
  if (fetched.exitCode !== 0) {
    return { missing: `the Go modules of ${basename(folder)} could not be fetched: ${fetched.stderr.trim()}` }
  }
  await onceInCache(built, async (partial) => {
    const sources = join(partial, 'sources')
    await cp(folder, sources, { recursive: true })
    const { exitCode, stderr } = await go(sources, 'build', '-trimpath', '-o', join(partial, 'program'), '.')
    if (exitCode !== 0) throw new Error(`go build in ${folder}:\n${stderr}`)
  })
  return { value: join(built, 'program') }
}
