// Whether the place that a drill restores into is apart from the source: another cluster, other addresses, other credentials.
import { BackupError } from '../format/backup-error.ts'
import type { DrillReport } from './report.ts'

/** What is known of a cluster; null or empty: it is not known here. */
export interface ClusterPlace {
  readonly clusterId: string
  /** `host:port` as given, and those that the brokers advertise. */
  readonly addresses: readonly string[]
  /** The account, without its password. null: none, or not known. */
  readonly principal: string | null
  /** A digest of the whole credentials; null: none. */
  readonly credentials: string | null
}

export type Segregation = DrillReport['segregation'][number]

/**
 * Compares two clusters. Pure.
 * @param source addresses and credentials are empty where the drill knows only the backup
 */
export function segregationOf(source: ClusterPlace, target: ClusterPlace): Segregation[] {
  const known = source.addresses.length > 0
  const shared = target.addresses.filter((address) => source.addresses.map(plain).includes(plain(address)))
  const hasAccount = source.credentials !== null && target.credentials !== null
  const sharesAccount =
    hasAccount && (source.credentials === target.credentials || source.principal === target.principal)
  return [
    {
      what: 'cluster id',
      source: source.clusterId,
      target: target.clusterId,
      isSegregated: source.clusterId !== target.clusterId,
    },
    {
      what: 'addresses',
      source: known ? source.addresses.join(', ') : null,
      target: target.addresses.join(', '),
      isSegregated: known ? shared.length === 0 : null,
    },
    {
      what: 'account',
      source: known ? (source.principal ?? 'none') : null,
      target: target.principal ?? 'none',
      isSegregated: known ? !sharesAccount : null,
    },
  ]
}

const plain = (address: string): string => address.trim().toLowerCase()

/** @throws BackupError NOT_SEGREGATED, which says what is shared */
export function requireSegregation(rows: readonly Segregation[]): void {
  const shared = rows.filter(({ isSegregated }) => isSegregated === false)
  if (shared.length === 0) return
  const what = shared.map(({ what, target }) => `${what} ${target}`).join(', ')
  throw new BackupError('NOT_SEGREGATED', `the target of the drill is not apart from the source: they share ${what}`, {
    hint: 'Restore into another cluster, under an account of its own; without --into the drill starts a broker of its own.',
  })
}
