// Where a pod finds its API server and its ServiceAccount: two variables and three files, as Kubernetes documents them
// (Tasks: Access the Kubernetes API from a Pod).
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { KubernetesError } from '../errors.ts'

export const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount'

/** The connection to an API server. */
export interface ApiConnection {
  /** `https://10.0.0.1:443` */
  readonly server: string
  /** PEM of the CA that signed the server's certificate. */
  readonly ca: string
  /** Asked before every request: projected tokens are replaced about every hour. */
  token(): Promise<string>
  /** The pod's own namespace. */
  readonly namespace: string
}

/**
 * The connection of the pod this runs in.
 * @param folder where the token, `ca.crt` and `namespace` are mounted
 * @throws KubernetesError NOT_IN_CLUSTER, saying what is missing
 */
export function inClusterConnection(
  env: Readonly<Record<string, string | undefined>>,
  folder: string = serviceAccountFolder,
): ApiConnection {
  const host = env.KUBERNETES_SERVICE_HOST
  const port = env.KUBERNETES_SERVICE_PORT
  if (!host || !port) {
    throw new KubernetesError(
      'NOT_IN_CLUSTER',
      'KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this command runs in a pod of the cluster.',
      {
        reason: 'invalid',
        hint: 'Run it as the chart does, as a Job, or set both to reach an API server from elsewhere.',
      },
    )
  }
  const read = (file: string): string => {
    try {
      return readFileSync(join(folder, file), 'utf8')
    } catch (cause) {
      throw noFile(folder, file, cause)
    }
  }
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    ca: read('ca.crt'),
    namespace: read('namespace').trim(),
    async token() {
      try {
        return (await readFile(join(folder, 'token'), 'utf8')).trim()
      } catch (cause) {
        throw noFile(folder, 'token', cause)
      }
    },
  }
}

function noFile(folder: string, file: string, cause: unknown): KubernetesError {
  return new KubernetesError('NOT_IN_CLUSTER', `Cannot read ${join(folder, file)}: ${(cause as Error).message}`, {
    reason: 'invalid',
    hint: 'Give the pod a ServiceAccount and its token: automountServiceAccountToken, or a projected volume at that path.',
    cause,
  })
}
