// Reads and checks what a platform file says about accounts: `access`, `users`, `owns`.
import type { AclOperation, AclResourceType } from '@selfmonitor/cluster'
import { aclOperationsOf } from '@selfmonitor/cluster/acl-operations'
import { accountNameProblem, coversTopic, protectedTopics } from '../access.ts'
import type { AccessMode, Platform, PlatformAcl, PlatformProblem, PlatformUser } from '../model.ts'
import { entriesOf, get, joinPath, type Position, problemAt, type Tree } from './document.ts'
import { aclOperations } from './format-access.ts'

// The kinds of resource that a platform file can name.
const resourceTypes: readonly AclResourceType[] = ['topic', 'group', 'transactional-id', 'cluster']

/** Whether a rule of this kind means anything to Kafka and can be written in a platform file. */
export function isOperationOf(resourceType: AclResourceType, operation: AclOperation): boolean {
  return resourceTypes.includes(resourceType) && aclOperationsOf[resourceType].includes(operation)
}

const resourceWords = {
  topic: 'topic',
  group: 'group',
  transactionalId: 'transactional-id',
  cluster: 'cluster',
} as const

/** `access` of the file, or of the chosen environment. */
export function accessOf(root: Tree, chosen: Tree | undefined): Pick<Platform, 'access' | 'accessAt'> {
  const tree = get(chosen, 'access') ?? get(root, 'access')
  return tree?.kind === 'scalar' ? { access: tree.value as AccessMode, accessAt: tree.at } : { access: 'none' }
}

/** A service is an account in an environment with `access: acls`, so its name must be valid for an account. */
export function checkServiceNames(
  root: Tree,
  services: ReadonlyMap<string, { readonly key: Position }>,
  problems: PlatformProblem[],
): void {
  const modes = [
    get(root, 'access'),
    ...entriesOf(get(root, 'environments')).map(([, { value }]) => get(value, 'access')),
  ]
  if (!modes.some((mode) => mode?.kind === 'scalar' && mode.value === 'acls')) {
    return
  }
  for (const [name, { key }] of services) {
    const problem = accountNameProblem(name)
    if (problem !== null) {
      problems.push(problemAt(key, problem))
    }
  }
}

/** `owns: [patterns of topics]`, or `owns: { topics: [...], users: [...] }`. */
export function ownsOf(tree: Tree | undefined): Pick<Platform, 'owns' | 'ownsUsers'> {
  return tree?.kind === 'map'
    ? { owns: texts(get(tree, 'topics')), ownsUsers: texts(get(tree, 'users')) }
    : { owns: texts(tree) }
}

export function texts(tree: Tree | undefined): string[] {
  return (tree?.kind === 'list' ? tree.items : []).flatMap((item) =>
    item.kind === 'scalar' ? [String(item.value)] : [],
  )
}

/** The position of each rule of a user, for checks that need all topics. */
export type AclPlaces = Map<PlatformAcl, { readonly at: Position; readonly operations: ReadonlyMap<string, Position> }>

export function userOf(
  name: string,
  key: Position,
  tree: Tree,
  places: AclPlaces,
  problems: PlatformProblem[],
): PlatformUser {
  const problem = accountNameProblem(name)
  if (problem !== null) {
    problems.push(problemAt(key, problem))
  }
  const description = get(tree, 'description')
  const list = get(tree, 'acls')
  return {
    name,
    ...(description?.kind === 'scalar' ? { description: String(description.value) } : {}),
    acls: (list?.kind === 'list' ? list.items : []).flatMap((item) => aclOf(item, places, problems)),
    at: key,
  }
}

function aclOf(tree: Tree, places: AclPlaces, problems: PlatformProblem[]): PlatformAcl[] {
  const named = entriesOf(tree).filter(([word]) => word in resourceWords)
  const [first, second] = named
  if (first === undefined || second !== undefined) {
    const said = first === undefined ? '' : `, it names ${named.map(([word]) => word).join(' and ')}`
    problems.push(problemAt(tree.at, `must name one of topic, group, transactionalId, cluster${said}`))
    return []
  }
  const [word, { value: resource }] = first
  const resourceType = resourceWords[word as keyof typeof resourceWords]
  const list = get(tree, 'operations')
  if (list === undefined) {
    problems.push(problemAt(tree.at, 'must say which operations, such as operations: [read, describe]'))
  }
  const operations = new Map<AclOperation, Position>()
  for (const item of list?.kind === 'list' ? list.items : []) {
    // An unknown operation is reported already.
    const operation = aclOperations.find((known) => item.kind === 'scalar' && item.value === known)
    if (operation === undefined) {
      continue
    }
    operations.set(operation, item.at)
    if (!aclOperationsOf[resourceType].includes(operation)) {
      const known = aclOperationsOf[resourceType].join(', ')
      problems.push(problemAt(item.at, `${operation} does not apply to a ${word}: Kafka has ${known} for it`))
    }
  }
  if (resource.kind !== 'scalar' || resource.value === null || resource.unset.length > 0) {
    return []
  }
  const resourceName = String(resource.value)
  const pattern = scalarOf(tree, 'pattern') === 'prefixed' ? 'prefixed' : 'literal'
  const patternAt = get(tree, 'pattern')?.at ?? tree.at
  if (resourceName === '') {
    problems.push(problemAt(resource.at, `must be the name of a ${word}, or "*" for every one`))
  }
  if (pattern === 'prefixed' && resourceName === '*') {
    problems.push(problemAt(patternAt, "takes the * for a star: leave the pattern out, '*' alone means every one"))
  }
  if (pattern === 'prefixed' && resourceType === 'cluster') {
    problems.push(problemAt(patternAt, 'does not apply to the cluster: leave it out'))
  }
  const acl: PlatformAcl = {
    resourceType,
    resourceName,
    pattern,
    host: scalarOf(tree, 'host') ?? '*',
    operations: [...operations.keys()],
  }
  places.set(acl, { at: tree.at, operations })
  return [acl]
}

function scalarOf(tree: Tree, word: string): string | undefined {
  const found = get(tree, word)
  return found?.kind === 'scalar' && found.value !== null ? String(found.value) : undefined
}

const destroying: readonly AclOperation[] = ['all', 'delete', 'alter', 'alter-configs']

/**
 * A protected topic is for those who declare that they write or read it: services, and users that name it. No other account gets
 * the right to delete it, its records, or its settings.
 */
export function checkProtected(platform: Platform, places: AclPlaces, problems: PlatformProblem[]): void {
  const topics = protectedTopics(platform)
  for (const [acl, { at, operations }] of places) {
    const isNamed = acl.pattern === 'literal' && acl.resourceName !== '*'
    const covered = topics.filter((topic) => coversTopic(acl, topic))
    const [topic, ...more] = covered
    if (topic === undefined) {
      continue
    }
    const which = more.length === 0 ? `${topic}, which is` : `${topic} and ${more.length} more, which are`
    for (const operation of acl.operations) {
      const place = operations.get(operation) ?? at
      if (destroying.includes(operation)) {
        problems.push(problemAt(place, `${operation} would be allowed on ${which} protected; leave it out`))
      } else if ((operation === 'read' || operation === 'write') && !isNamed) {
        const name = joinPath('', acl.resourceName)
        problems.push(
          problemAt(
            place,
            `${operation} on ${name} covers ${which} protected; name the topics one by one if you mean them`,
          ),
        )
      }
    }
  }
}
