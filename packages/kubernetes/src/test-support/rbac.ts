// Who may do what, from Role, ClusterRole, RoleBinding and ClusterRoleBinding objects: the rules of Kubernetes' RBAC authorizer.
// Source: "Using RBAC Authorization" in the Kubernetes documentation.
import type { KubernetesObject } from '../api/types.ts'

export interface Rule {
  readonly apiGroups?: readonly string[]
  readonly resources?: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}

interface RoleObject extends KubernetesObject {
  readonly rules?: readonly Rule[]
}

interface Binding extends KubernetesObject {
  readonly roleRef: { readonly kind: string; readonly name: string }
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[]
}

/** One request, as the authorizer sees it. `name` is empty for create and list: the URL does not say one. */
export interface Attributes {
  readonly user: string
  readonly verb: string
  readonly apiGroup: string
  readonly resource: string
  readonly namespace: string
  readonly name: string
}

/** Whether one of the bindings gives the user a rule for the request. There are no rules that forbid. */
export function isAllowed(objects: readonly KubernetesObject[], request: Attributes): boolean {
  return objects
    .filter(({ kind }) => kind === 'RoleBinding' || kind === 'ClusterRoleBinding')
    .map((object) => object as Binding)
    .filter((binding) => binding.kind === 'ClusterRoleBinding' || binding.metadata.namespace === request.namespace)
    .filter((binding) => (binding.subjects ?? []).some((subject) => isSubject(subject, request.user)))
    .flatMap((binding) => rulesOf(objects, binding))
    .some((rule) => matches(rule, request))
}

function isSubject(
  subject: { readonly kind: string; readonly name: string; readonly namespace?: string },
  user: string,
): boolean {
  switch (subject.kind) {
    case 'ServiceAccount':
      // The namespace of a ServiceAccount is required: an API server refuses a binding without it.
      return user === `system:serviceaccount:${subject.namespace}:${subject.name}`
    case 'User':
      return user === subject.name
    case 'Group':
      return groupsOf(user).includes(subject.name)
    default:
      return false
  }
}

function groupsOf(user: string): string[] {
  const namespace = user.match(/^system:serviceaccount:([^:]+):/)?.[1]
  if (namespace === undefined) return ['system:unauthenticated']
  return ['system:authenticated', 'system:serviceaccounts', `system:serviceaccounts:${namespace}`]
}

function rulesOf(objects: readonly KubernetesObject[], binding: Binding): readonly Rule[] {
  const role = objects.find(
    (object) =>
      object.kind === binding.roleRef.kind &&
      object.metadata.name === binding.roleRef.name &&
      (object.kind === 'ClusterRole' || object.metadata.namespace === binding.metadata.namespace),
  )
  return (role as RoleObject | undefined)?.rules ?? []
}

function matches(rule: Rule, request: Attributes): boolean {
  const includes = (allowed: readonly string[] | undefined, value: string): boolean =>
    allowed !== undefined && (allowed.includes('*') || allowed.includes(value))
  return (
    includes(rule.verbs, request.verb) &&
    includes(rule.apiGroups, request.apiGroup) &&
    includes(rule.resources, request.resource) &&
    // A rule with names never allows create: the name is not known when the request is authorized.
    (rule.resourceNames === undefined || rule.resourceNames.length === 0 || rule.resourceNames.includes(request.name))
  )
}
