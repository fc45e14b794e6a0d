// Which program made a report: a hash over the files of this package as they run.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** SHA-256 over names and contents, in the order of names. The same for the same files, wherever they are installed. */
export async function programHash(): Promise<string> {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const names = (await readdir(root, { recursive: true }))
    .filter((name) => /(?<!\.d|\.test)\.[jt]s$/.test(name) && !name.includes('test-support'))
    .sort()
  const hash = createHash('sha256')
  for (const name of names) {
    const content = await readFile(join(root, name))
    hash.update(`${name}\n${content.length}\n`).update(content)
  }
  return hash.digest('hex')
}
