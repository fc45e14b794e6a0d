// Reads who may do what in the cluster.
import type { Cluster } from '@selfmonitor/cluster'
import { ClusterError } from '@selfmonitor/cluster/errors'
import type { AccessState } from '../format/access-state.ts'
import type { Problem } from './reading.ts'

type Reader = Pick<Cluster, 'acls' | 'clientQuotas' | 'users'>

/** A cluster that has no such thing: no authorizer, or a broker that does not know the request. */
const hasNone = ['SECURITY_DISABLED', 'UNSUPPORTED_API', 'UNSUPPORTED_VERSION']

/** @throws ClusterError when the cluster does not answer */
export async function readAccess(cluster: Reader, problems: Problem[]): Promise<AccessState> {
  /** @param right what the part needs on the cluster resource */
  const readPart = async <Value>(
    part: string,
    right: 'DESCRIBE' | 'DESCRIBE_CONFIGS',
    read: () => Promise<readonly Value[]>,
  ): Promise<readonly Value[] | null> => {
    try {
      return await read()
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      if (hasNone.includes(error.code)) return []
      const needs = error.reason === 'not-allowed' ? ` This needs ${right} on the cluster.` : ''
      problems.push({ part, code: error.code, message: `${error.message}${needs}` })
      return null
    }
  }
  return {
    acls: await readPart('acls', 'DESCRIBE', () => cluster.acls()),
    quotas: await readPart('quotas', 'DESCRIBE_CONFIGS', () => cluster.clientQuotas()),
    accounts: await readPart('accounts', 'DESCRIBE', () => cluster.users()),
  }
}
