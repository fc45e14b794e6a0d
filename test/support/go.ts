// Small Go programs, for tests that use Kafka's clients of that language as their users do. Each is built once into the cache
// outside the repository; its go.mod and go.sum pin what it uses.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { cacheDir, run } from '@selfmonitor/apache'
import { onceInCache } from '../deployment/static/fetch.ts'

const oldestGo = 24

/**
 * Builds the program in a folder, unless it is in the cache.
 * @returns its path, or why it cannot be had here, in CI too: as with Kubernetes, Go and its modules are not everywhere
 * @throws Error when what was fetched does not build
 */
export async function goProgram(folder: string): Promise<{ readonly value: string } | { readonly missing: string }> {
  const said = await run('go', ['env', 'GOVERSION']).catch(() => undefined)
  const version = /^go1\.(\d+)/.exec(said?.stdout.trim() ?? '')?.[1]
  if (version === undefined || Number(version) < oldestGo)
    return { missing: `go 1.${oldestGo} or newer is not installed` }
  const hash = createHash('sha256')
  for (const file of (await readdir(folder)).toSorted())
    hash.update(`${file}\0`).update(await readFile(join(folder, file)))
  const built = join(cacheDir(), 'go', `${basename(folder)}-${hash.digest('hex').slice(0, 12)}`)
  if (existsSync(built)) return { value: join(built, 'program') }

  const env = { ...process.env, GOFLAGS: '-mod=readonly -buildvcs=false', GOWORK: 'off', CGO_ENABLED: '0' }
  const go = (cwd: string, ...args: readonly string[]) => run('go', args, { cwd, env, timeoutMs: 300_000 })
  const fetched = await go(folder, 'mod', 'download')
  if (fetched.exitCode !== 0) {
    return { missing: `the Go modules of ${basename(folder)} could not be fetched: ${fetched.stderr.trim()}` }
  }
  await onceInCache(built, async (partial) => {
    const sources = join(partial, 'sources')
    await cp(folder, sources, { recursive: true })
    const { exitCode, stderr } = await go(sources, 'build', '-o', join(partial, 'program'), '.')
    if (exitCode !== 0) throw new Error(`go build in ${folder}:\n${stderr}`)
  })
  return { value: join(built, 'program') }
}
