// The chart's copies of platform.yaml and schemas/: Helm reads no file outside its chart.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { filesBelow, type GeneratedFile, root, withoutOthers } from './files.ts'

const folder = 'infra/k8s/kafka/helm/files/platform'

/** Every copy, and the files in the chart's folder whose original is gone. */
export async function platformCopies(): Promise<GeneratedFile[]> {
  const originals = ['platform.yaml', ...(await filesBelow('schemas')).map((name) => `schemas/${name}`)]
  const copies = await Promise.all(
    originals.map(async (name) => ({ path: `${folder}/${name}`, text: await readFile(join(root, name), 'utf8') })),
  )
  return withoutOthers(folder, copies)
}
