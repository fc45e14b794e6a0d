// What Kafka's authorizer answers, and because of which rule. Pure. The rules are those of `StandardAuthorizer` of Apache Kafka 4.3
// (KIP-801), which a test compares with a real one.
import type { AclBinding, AclOperation, AclResourceType } from '@selfmonitor/cluster'

export interface AclQuestion {
  /** `User:billing` */
  readonly principal: string
  readonly operation: AclOperation
  readonly resourceType: AclResourceType
  readonly resourceName: string
  /** The client's address; undefined: any, so that only rules for every host count. */
  readonly host?: string
}

/** Settings of the brokers that no rule shows. */
export interface AuthorizerFacts {
  /** `super.users` */
  readonly superUsers: readonly string[]
  /** `allow.everyone.if.no.acl.found` */
  readonly allowEveryone: boolean
}

export interface AclDecision {
  readonly isAllowed: boolean
  readonly because:
    | { readonly kind: 'super user' }
    | { readonly kind: 'rule'; readonly rule: AclBinding }
    /** No rule of any principal names the resource: `allow.everyone.if.no.acl.found` decides. */
    | { readonly kind: 'no rules' }
    /** Rules name the resource, none fits. */
    | { readonly kind: 'no rule fits' }
  /** Rules that would allow it, and are overruled. */
  readonly overruled: readonly AclBinding[]
  /** Rules that would decide otherwise for clients at one address. */
  readonly elsewhere: readonly AclBinding[]
}

/** An allowed operation allows these as well. A denied one denies itself alone. */
const implied: Partial<Readonly<Record<AclOperation, readonly AclOperation[]>>> = {
  describe: ['read', 'write', 'delete', 'alter'],
  'describe-configs': ['alter-configs'],
}

export function decide(rules: readonly AclBinding[], question: AclQuestion, facts: AuthorizerFacts): AclDecision {
  const { principal, host } = question
  if (facts.superUsers.includes(principal)) {
    return { isAllowed: true, because: { kind: 'super user' }, overruled: [], elsewhere: [] }
  }
  const ofResource = rules.filter((rule) => coversResource(rule, question))
  const fitting = ofResource.filter(
    (rule) =>
      (rule.principal === principal || rule.principal === 'User:*') && coversOperation(rule, question.operation),
  )
  const here = fitting.filter((rule) => rule.host === '*' || rule.host === host)
  const denied = here.find(({ permission }) => permission === 'deny')
  const allowed = here.filter(({ permission }) => permission === 'allow')
  const isAllowed = denied === undefined && (allowed.length > 0 || (ofResource.length === 0 && facts.allowEveryone))
  const elsewhere =
    host === undefined ? fitting.filter((rule) => rule.host !== '*' && isAllowed === (rule.permission === 'deny')) : []
  const decided = denied ?? allowed[0]
  return {
    isAllowed,
    because:
      decided !== undefined
        ? { kind: 'rule', rule: decided }
        : { kind: ofResource.length === 0 ? 'no rules' : 'no rule fits' },
    overruled: denied === undefined ? [] : allowed,
    // A deny from everywhere holds at every address.
    elsewhere: denied === undefined ? elsewhere : [],
  }
}

/** KIP-290: a literal name, `*` for all, or a prefix. */
function coversResource(rule: AclBinding, { resourceType, resourceName }: AclQuestion): boolean {
  if (rule.resourceType !== resourceType) return false
  if (rule.pattern === 'prefixed') return resourceName.startsWith(rule.resourceName)
  return rule.resourceName === resourceName || rule.resourceName === '*'
}

function coversOperation(rule: AclBinding, operation: AclOperation): boolean {
  if (rule.operation === operation || rule.operation === 'all') return true
  return rule.permission === 'allow' && (implied[operation]?.includes(rule.operation) ?? false)
}
