// Plans what to create, renew or update. Pure. It runs again after every round of changes, with the objects that exist then, until
// nothing is left to change. So a concurrent run, a crash between two steps and a Secret that the user supplied need no special cases.
import { KubernetesError } from '../errors.ts'
import type { Draft, Existing, Step } from './draft.ts'
import { planAccounts } from './plan-accounts.ts'
import { planBundle, planCa, planCertificates, planSuppliedTls } from './plan-certificates.ts'
import { planIdentity } from './plan-identity.ts'
import { planLogins } from './plan-logins.ts'
import type { CredentialsSpec } from './spec.ts'

export interface Plan {
  readonly steps: readonly Step[]
  /** Objects that others must create first: `Secret kafka-broker-tls (cert-manager makes it)`. */
  readonly waiting: readonly string[]
  /** Warnings for the operator. */
  readonly warnings: readonly string[]
}

/**
 * Plans the next round.
 * @returns steps that can be carried out now; with none and nothing to wait for, everything is as the spec says
 * @throws KubernetesError SECRET_INVALID with every problem of what exists: nothing is changed before they are fixed
 */
export function planCredentials(spec: CredentialsSpec, existing: Existing, now: Date): Plan {
  const draft: Draft = { spec, existing, now, steps: [], waiting: [], warnings: [], problems: [] }
  planIdentity(draft)
  planLogins(draft)
  if (spec.security) planSecurity(draft)
  if (draft.problems.length > 0) {
    throw new KubernetesError('SECRET_INVALID', `Nothing was changed:\n  ${draft.problems.join('\n  ')}`, {
      reason: 'invalid',
      problems: draft.problems,
      hint: `Namespace ${spec.namespace}. Correct what is named, or delete it to have it generated, then run this again.`,
    })
  }
  return { steps: draft.steps, waiting: draft.waiting, warnings: draft.warnings }
}

function planSecurity(draft: Draft): void {
  const { tls } = draft.spec
  let bundle: string | undefined
  if (tls.mode === 'chart') {
    const ca = planCa(draft)
    if (ca === undefined) {
      // Problems of the accounts are reported now and not in the next round, when the CA exists.
      planAccounts(draft, undefined)
      return
    }
    bundle = planBundle(draft, ca.certificates)
    planCertificates(draft, ca, bundle)
  } else {
    const trusted = planSuppliedTls(draft)
    bundle = trusted === undefined ? undefined : planBundle(draft, trusted)
  }
  planAccounts(draft, bundle)
}
