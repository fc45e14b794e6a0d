// The chart's objects, rendered by the real Helm, as the running proof takes them.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '@selfmonitor/apache'
import { stringify } from 'yaml'
import { fetchHelm, type HelmMajor } from '../static/helm.ts'
import { parseObjects } from '../static/objects.ts'
import type { KubeObject } from './types.ts'

const chart = fileURLToPath(new URL('../../../infra/k8s/kafka/helm', import.meta.url))

export interface RenderOptions {
  /** Default 4. */
  helm?: HelmMajor
  /** Default `kafka`. */
  namespace?: string
  /** Default `kafka-cluster`. */
  release?: string
}

/**
 * `helm template` of the chart with these values.
 * @throws Error with what Helm said.
 */
export async function renderChart(values: object, options: RenderOptions = {}): Promise<readonly KubeObject[]> {
  const helm = await fetchHelm(options.helm ?? '4')
  const folder = await mkdtemp(join(tmpdir(), 'render-'))
  try {
    const file = join(folder, 'values.yaml')
    await writeFile(file, stringify(values))
    const release = options.release ?? 'kafka-cluster'
    const result = await run(helm, [
      ...['template', release, chart, '--namespace', options.namespace ?? 'kafka', '--values', file],
      ...['--include-crds', '--kube-version', '1.35.0'],
    ])
    if (result.exitCode !== 0) throw new Error(`helm template failed:\n${result.stderr.trim()}`)
    return parseObjects(result.stdout) as readonly KubeObject[]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
