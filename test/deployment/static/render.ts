// Renders the chart with a real Helm, for values given as an object: `helm template`, `helm lint --strict`.
import { fileURLToPath } from 'node:url'
import { run } from '@selfmonitor/apache'
import { type Json, type KubernetesObject, parseObjects } from './objects.ts'

export const chartFolder = fileURLToPath(new URL('../../../infra/k8s/kafka/helm', import.meta.url))

export interface RenderOptions {
  /** Path of Helm's executable. */
  readonly helm: string
  readonly values?: Json
  /** Default: the newest, so that nothing is left out for an old cluster. */
  readonly kubeVersion?: string
  /** APIs that the cluster serves beyond Kubernetes' own, `monitoring.coreos.com/v1`. */
  readonly apiVersions?: readonly string[]
  readonly release?: string
  readonly namespace?: string
  /** Address of an API server that `lookup` asks, as in `helm upgrade`. Default: there is no cluster. */
  readonly cluster?: string
}

export interface Rendered {
  readonly yaml: string
  readonly objects: readonly KubernetesObject[]
}

/** Helm refused: `message` is what it printed. */
export class HelmError extends Error {
  override readonly name = 'HelmError'
}

/**
 * Runs `helm template`, hooks and tests included.
 * @throws HelmError with what Helm says.
 */
export async function renderChart(options: RenderOptions): Promise<Rendered> {
  const {
    helm,
    values = {},
    kubeVersion = '1.37.0',
    apiVersions = [],
    release = 'kafka-cluster',
    namespace = 'kafka',
    cluster,
  } = options
  const apis = apiVersions.flatMap((api) => ['--api-versions', api])
  const asks = cluster === undefined ? [] : ['--dry-run=server', '--kube-apiserver', cluster]
  const yaml = await helmRun(
    helm,
    ['template', release, chartFolder, '--namespace', namespace, '--kube-version', kubeVersion, ...apis, ...asks],
    values,
  )
  return { yaml, objects: parseObjects(yaml) }
}

/** Runs `helm lint --strict`, which fails on warnings as well. @throws HelmError with what Helm says. */
export async function lintChart({ helm, values = {}, kubeVersion = '1.37.0' }: RenderOptions): Promise<string> {
  return helmRun(helm, ['lint', chartFolder, '--strict', '--namespace', 'kafka', '--kube-version', kubeVersion], values)
}

async function helmRun(helm: string, args: readonly string[], values: Json): Promise<string> {
  // Nothing of the user's own Helm (plugins, repositories) may play a part.
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', HELM_PLUGINS: '/nonexistent' }
  const result = await run(helm, [...args, '--values', '-'], { stdin: JSON.stringify(values), env, timeoutMs: 60_000 })
  if (result.exitCode !== 0) throw new HelmError((result.stderr + result.stdout).trim())
  return result.stdout
}

/** Maps with at most `width` at once, keeping the order. */
export async function mapAtOnce<T, R>(width: number, items: readonly T[], map: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length)
  let next = 0
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) results[index] = await map(items[index]!)
  }
  await Promise.all(Array.from({ length: width }, worker))
  return results
}
