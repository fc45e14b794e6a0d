// Reads platform.yaml with all that it includes, checks it, and lays one environment over it.
import { resolve } from 'node:path'
import { nearest } from '@selfmonitor/cluster/nearest'
import { invalidPlatform } from '../errors.ts'
import type { Platform, PlatformProblem, PlatformService } from '../model.ts'
import { didYouMean } from '../suggest.ts'
import { checkSubjects } from './check-subjects.ts'
import { type Environment, entriesOf, get, overlay, type Position, problemAt, type Tree } from './document.ts'
import { includedFile, platformFile, structureProblems } from './format.ts'
import { type AclPlaces, accessOf, checkProtected, checkServiceNames, ownsOf, texts, userOf } from './load-access.ts'
import { auditOf } from './load-audit.ts'
import { backupPolicyOf } from './load-backup.ts'
import { drillsOf } from './load-drills.ts'
import { alertingOf, checkOwners, clusterObjectivesOf, ownersOf, serviceObjectivesOf } from './load-objectives.ts'
import { collect, type Declared, defaultEnvironment, type LoadedFile, readFiles } from './read-files.ts'
import { checkEventsPattern, shownPath } from './schema-files.ts'
import { buildTopic } from './topic.ts'

export interface LoadOptions {
  /** Which of the file's environments. Default `development`, which a file need not declare. */
  environment?: string
  /** Where `${NAME}` is looked up. Default `process.env`. */
  env?: Environment
}

/**
 * Loads a platform file.
 *
 * @param file path of the file; what it includes and names is found beside the file that says so
 * @throws PlatformError INVALID_PLATFORM with every mistake in `problems`, not only the first
 */
export async function loadPlatform(file: string, options: LoadOptions = {}): Promise<Platform> {
  const environment = options.environment ?? defaultEnvironment
  const problems: PlatformProblem[] = []
  const files = await readFiles(resolve(file), options.env ?? process.env, environment, problems, (tree, main, unset) =>
    structureProblems(tree, main ? platformFile : includedFile, unset),
  )
  const root = files[0]?.tree
  if (root === undefined) {
    throw invalidPlatform(problems)
  }
  checkEnvironment(root, environment, shownPath(resolve(file)), problems)

  const trees = files.map(({ tree }) => tree)
  const topics = collect(trees, 'topics', problems)
  const services = collect(trees, 'services', problems)
  const users = collect(trees, 'users', problems)
  const owners = collect(trees, 'owners', problems)
  checkServiceNames(root, services, problems)
  const places: AclPlaces = new Map()
  const chosen = get(root, 'environments', environment)
  const defaults = overlay(get(root, 'defaults'), get(chosen, 'defaults'))
  const backupDefaults = { file: get(root, 'backup'), environment: get(chosen, 'backup') }
  const backup = backupPolicyOf(backupDefaults, undefined, problems)
  const references: PlatformProblem[] = []
  for (const [name, { key }] of entriesOf(get(chosen, 'topics'))) {
    if (!topics.has(name)) {
      references.push(problemAt(key, `is not declared below topics${didYouMean(name, topics.keys())}`))
    }
  }
  const platform: Platform = {
    file: shownPath(resolve(file)),
    environment,
    environments: entriesOf(get(root, 'environments')).map(([name]) => name),
    ...clusterOf(root, chosen),
    ...brokerOf(chosen),
    ...ownsOf(get(root, 'owns')),
    protect: texts(get(root, 'protect')),
    topics: [...topics].map(([name, { key, value }]) => {
      const own = overlay(value, get(chosen, 'topics', name))
      const effective = overlay(defaults, own)
      return buildTopic(name, key, own, effective, backupDefaults, problems)
    }),
    services: [...services].map(([name, { key, value }]) => serviceOf(name, key, value, topics, references, problems)),
    ...accessOf(root, chosen),
    users: [...users].map(([name, { key, value }]) => userOf(name, key, value, places, problems)),
    ...clusterObjectivesOf(root, problems),
    ...ownersOf(owners, problems),
    ...alertingOf(root, chosen, problems),
    ...(backup === undefined ? {} : { backup }),
    ...auditOf(root, chosen, problems),
    ...(await drillsOf(root, [...topics.keys()], problems)),
  }
  checkOwners(
    platform,
    [
      ...[...topics].map(([name, { value }]) => get(overlay(defaults, value, get(chosen, 'topics', name)), 'owner')),
      ...[...services.values()].map(({ value }) => get(value, 'owner')),
      get(overlay(get(root, 'alerting'), get(chosen, 'alerting')), 'owner'),
    ],
    problems,
  )
  checkProtected(platform, places, problems)
  problems.push(...unlessTopicsAreMissing(references, files))
  const events = get(defaults, 'events')
  if (events?.kind === 'scalar' && typeof events.value === 'string' && events.unset.length === 0) {
    const taking = platform.topics.filter(({ at }) => at?.events === events.at).map(({ name }) => name)
    checkEventsPattern(events.value, events.at, taking, problems)
  }
  checkCollisions(topics, problems)
  checkSubjects(platform.topics, problems)
  // The first thing said of a place is what is wrong with its shape; the rest follows from it.
  const unique = new Map(problems.toReversed().map((p) => [`${p.file}:${p.line}:${p.column}`, p]))
  if (unique.size > 0) {
    throw invalidPlatform([...unique.values()])
  }
  return platform
}

function checkEnvironment(root: Tree, environment: string, file: string, problems: PlatformProblem[]): void {
  const declared = entriesOf(get(root, 'environments')).map(([name]) => name)
  if (declared.includes(environment) || (environment === defaultEnvironment && declared.length === 0)) {
    return
  }
  const section = root.kind === 'map' ? root.entries.get('environments')?.key : undefined
  problems.push(
    problemAt(
      section ?? { file, line: 1, column: 1, path: 'environments' },
      declared.length === 0
        ? `declares no environment '${environment}'`
        : `declares no '${environment}', it has ${declared.join(', ')}${didYouMean(environment, declared) || '; choose one with --env'}`,
    ),
  )
}

function clusterOf(root: Tree, chosen: Tree | undefined): Pick<Platform, 'cluster'> {
  const id = get(overlay(get(root, 'cluster'), get(chosen, 'cluster')), 'id')
  return id?.kind === 'scalar' ? { cluster: { id: String(id.value), at: id.at } } : {}
}

function brokerOf(chosen: Tree | undefined): Pick<Platform, 'broker'> {
  const settings = entriesOf(get(chosen, 'broker')).flatMap(([name, { value }]) =>
    value.kind === 'scalar' ? [[name, String(value.value)]] : [],
  )
  return settings.length === 0 ? {} : { broker: Object.fromEntries(settings) }
}

/** References to topics that are not declared; where `topics` itself is mistyped or missing, all of them follow from that. */
function unlessTopicsAreMissing(
  references: readonly PlatformProblem[],
  files: readonly LoadedFile[],
): readonly PlatformProblem[] {
  const words = files.flatMap(({ tree }) => entriesOf(tree).map(([word]) => word))
  if (words.some((word) => word !== 'topics' && nearest(word, ['topics']) !== undefined)) {
    return []
  }
  return words.includes('topics')
    ? references
    : references.slice(0, 1).map((first) => ({ ...first, message: `${first.message}; no topics are declared at all` }))
}

function serviceOf(
  name: string,
  key: Position,
  tree: Tree,
  topics: ReadonlyMap<string, Declared>,
  references: PlatformProblem[],
  problems: PlatformProblem[],
): PlatformService {
  const topicsOf = (word: string): string[] => {
    const list = get(tree, word)
    return (list?.kind === 'list' ? list.items : []).flatMap((item) => {
      if (item.kind !== 'scalar' || typeof item.value !== 'string') {
        return []
      }
      if (!topics.has(item.value)) {
        references.push(
          problemAt(item.at, `'${item.value}' is not declared below topics${didYouMean(item.value, topics.keys())}`),
        )
      }
      return [item.value]
    })
  }
  const word = (key: string): string | undefined => {
    const found = get(tree, key)
    return found?.kind === 'scalar' && found.value !== null ? String(found.value) : undefined
  }
  const description = word('description')
  const owner = word('owner')
  const consumes = topicsOf('consumes')
  const objectives = serviceObjectivesOf(tree, { consumes }, problems)
  return {
    name,
    produces: topicsOf('produces'),
    consumes,
    group: word('group') ?? name,
    at: key,
    ...(description === undefined ? {} : { description }),
    ...(owner === undefined ? {} : { owner }),
    ...(objectives === undefined ? {} : { objectives }),
  }
}

/** Kafka refuses two topics whose names differ only in `.` and `_`: their metrics would have one name. */
function checkCollisions(topics: ReadonlyMap<string, Declared>, problems: PlatformProblem[]): void {
  const seen = new Map<string, string>()
  for (const [name, { key }] of topics) {
    const same = name.replaceAll('.', '_')
    const other = seen.get(same)
    if (other !== undefined) {
      problems.push(problemAt(key, `collides with ${other}: Kafka treats '.' and '_' in topic names as equal`))
    }
    seen.set(same, name)
  }
}
