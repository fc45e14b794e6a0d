// The program of test/clients/franz-go, built once with Go into the cache. Where Go or its modules cannot be had, its tests are skipped
// by name, in CI too, as those that need Kubernetes are.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheDir, run } from '@selfmonitor/apache'
import { onceInCache, ToolUnavailable } from '../deployment/static/fetch.ts'

const sources = fileURLToPath(new URL('../clients/franz-go/', import.meta.url))

function folder(): string {
  const hash = createHash('sha256')
  for (const file of ['main.go', 'go.mod', 'go.sum']) hash.update(readFileSync(join(sources, file)))
  return join(cacheDir(), 'franz-go', hash.digest('hex').slice(0, 12))
}

export const missingFranzGo = (): string | null =>
  existsSync(folder()) ? null : 'the program with franz-go could not be built: it needs Go 1.26 and its modules'

/** The path of the program, or why it cannot be had here. @throws Error when Go is there and the program does not compile */
export async function buildFranzGo(): Promise<{ readonly value: string } | { readonly missing: string }> {
  const program = join(folder(), 'franz-go')
  try {
    if (!existsSync(program)) await onceInCache(folder(), build)
    return { value: program }
  } catch (error) {
    if (!(error instanceof ToolUnavailable)) throw error
    return { missing: error.message }
  }
}

async function build(partial: string): Promise<void> {
  const options = { cwd: sources, timeoutMs: 600_000, env: { ...process.env, GOTOOLCHAIN: 'local', CGO_ENABLED: '0' } }
  const go = (args: readonly string[]) => run('go', args, options).catch(() => null)
  const modules = await go(['mod', 'download'])
  if (modules?.exitCode !== 0) {
    throw new ToolUnavailable(`Go or its modules cannot be had: ${modules?.stderr.trim() || 'go did not start'}`)
  }
  const built = await go(['build', '-trimpath', '-o', join(partial, 'franz-go'), '.'])
  if (built?.exitCode !== 0) throw new Error(`the program with franz-go does not compile: ${built?.stderr}`)
}
