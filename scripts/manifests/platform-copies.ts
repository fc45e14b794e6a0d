// The chart's copies of platform.yaml and schemas/: Helm reads no file outside its chart.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type GeneratedFile, root } from './files.ts'

const folder = 'infra/k8s/kafka/helm/files/platform'

/** Every copy, and the files in the chart's folder whose original is gone. */
export async function platformCopies(): Promise<GeneratedFile[]> {
  const originals = ['platform.yaml', ...(await filesBelow('schemas')).map((name) => `schemas/${name}`)]
  const copies = await Promise.all(
    originals.map(async (name) => ({ path: `${folder}/${name}`, text: await readFile(join(root, name), 'utf8') })),
  )
  const wanted = new Set(originals)
  const stale = (await filesBelow(folder)).filter((name) => !wanted.has(name))
  return [...copies, ...stale.map((name) => ({ path: `${folder}/${name}`, text: null }))]
}

async function filesBelow(path: string): Promise<string[]> {
  const entries = await readdir(join(root, path), { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    },
  )
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(join(root, path).length + 1)
        .replaceAll('\\', '/'),
    )
    .sort()
}
