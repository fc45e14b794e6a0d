// Options of a plan: its limits, and its inputs beside the file and the live state.
import type { Passwords } from '../passwords.ts'

export interface PlanOptions {
  /** Delete what the file owns and does not declare: topics, accounts, rules of its accounts. Default false. */
  allowDelete?: boolean
  /**
   * Let a topic have more partitions on the cluster than the file says, with a warning instead of an error. Not where the file says 1: one
   * partition means that the order of all records counts. Default false.
   */
  allowMorePartitions?: boolean
  /** Passwords of the accounts, of `readPasswords`. Without them a file with accounts has no plan. */
  passwords?: Passwords | null
  /** The account that the connection uses: it is never deleted. */
  account?: string
  /** Principals that another file of the same run declares: their rights on protected topics are known. */
  knownPrincipals?: readonly string[]
}
