// Reads and checks what a platform file says about objectives and owners.
import type {
  Alerting,
  FreshnessObjective,
  LatencyObjective,
  Platform,
  PlatformObjective,
  PlatformOwner,
  PlatformProblem,
  ServiceObjectives,
} from '../model.ts'
import { didYouMean } from '../suggest.ts'
import { parseDuration } from '../units.ts'
import { entriesOf, get, overlay, type Position, problemAt, type ScalarTree, type Tree } from './document.ts'
import type { Declared } from './read-files.ts'

/** The only one, because burn-rate alerts and the names of Sloth's series are made for it. */
const periodDays = 30

/**
 * Limits that an objective of latency may have, in milliseconds: the bounds of the probe's histogram, which are those of
 * OpenTelemetry's messaging conventions 1.44. It has no values between them.
 */
export const latencyBoundsMs = [5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000] as const

/** A text of the file whose value is known: not one with an unset variable, which is reported already. */
function known(tree: Tree | undefined): (ScalarTree & { readonly value: string }) | undefined {
  return tree?.kind === 'scalar' && typeof tree.value === 'string' && tree.unset.length === 0
    ? (tree as ScalarTree & { readonly value: string })
    : undefined
}

/** `99.5 % over 30d`; null, with the mistake noted, when it is not that. */
function targetOf(
  text: string,
  tree: ScalarTree,
  example: string,
  problems: PlatformProblem[],
): PlatformObjective | null {
  const match = /^(\d+(?:\.\d+)?)\s*%(?:\s*over\s+(.+))?$/.exec(text.trim())
  if (match === null) {
    problems.push(problemAt(tree.at, `must be such as '${example}', it is ${tree.source}`))
    return null
  }
  const [, percent, period] = match
  // 99.9 / 100 is 0.9990000000000001. Rounding also makes 1 of a target that leaves no budget in double precision.
  const target = Number((Number(percent) / 100).toPrecision(12))
  if (target <= 0 || target >= 1) {
    const why = target === 1 ? ': 100 % leaves no error budget, and every miss would be an alert' : ''
    problems.push(problemAt(tree.at, `must be more than 0 % and less than 100 %, it is ${percent} %${why}`))
    return null
  }
  if (period !== undefined && parseDuration(period) !== periodDays * 86_400_000) {
    problems.push(problemAt(tree.at, `must be over 30d, the only period, it is over ${period}`))
    return null
  }
  return { target, periodDays, at: tree.at }
}

/** `lag 30s, 99.5 % over 30d` */
function freshnessOf(tree: Tree | undefined, problems: PlatformProblem[]): FreshnessObjective | undefined {
  const scalar = known(tree)
  if (scalar === undefined) {
    return undefined
  }
  const example = 'lag 30s, 99.5 % over 30d'
  const match = /^lag\s+([^,]+),(.*)$/.exec(scalar.value.trim())
  if (match === null) {
    problems.push(problemAt(scalar.at, `must be such as '${example}', it is ${scalar.source}`))
    return undefined
  }
  const lagMs = parseDuration(match[1]!)
  if (lagMs === null || lagMs < 1000) {
    problems.push(
      problemAt(scalar.at, `must have a lag of 1s or more, such as '${example}', it is ${match[1]!.trim()}`),
    )
    return undefined
  }
  const target = targetOf(match[2]!, scalar, example, problems)
  return target === null ? undefined : { ...target, lagMs }
}

/** `500ms, 99 % over 30d` */
function latencyOf(tree: Tree | undefined, problems: PlatformProblem[]): LatencyObjective | undefined {
  const scalar = known(tree)
  if (scalar === undefined) {
    return undefined
  }
  const example = '500ms, 99 % over 30d'
  const match = /^([^,]+),(.*)$/.exec(scalar.value.trim())
  const atMostMs = match === null ? null : parseDuration(match[1]!)
  if (match === null || atMostMs === null) {
    problems.push(problemAt(scalar.at, `must be such as '${example}', it is ${scalar.source}`))
    return undefined
  }
  if (!latencyBoundsMs.some((bound) => bound === atMostMs)) {
    const bounds = latencyBoundsMs.map((ms) => (ms < 1000 ? `${ms}ms` : `${ms / 1000}s`)).join(', ')
    problems.push(
      problemAt(scalar.at, `must be a bound of the probe's histogram (${bounds}), it is ${match[1]!.trim()}`),
    )
    return undefined
  }
  const target = targetOf(match[2]!, scalar, example, problems)
  return target === null ? undefined : { ...target, atMostMs }
}

function ratioOf(tree: Tree | undefined, problems: PlatformProblem[]): PlatformObjective | undefined {
  const scalar = known(tree)
  return scalar === undefined ? undefined : (targetOf(scalar.value, scalar, '99.9 % over 30d', problems) ?? undefined)
}

/** Leaves out what is undefined; undefined when nothing is left. */
function defined<T extends object>(value: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } | undefined {
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  return entries.length === 0
    ? undefined
    : (Object.fromEntries(entries) as { [Key in keyof T]?: Exclude<T[Key], undefined> })
}

/** `objectives` of a topic. @param tree the topic with its defaults and its environment */
export function topicObjectivesOf(
  tree: Tree | undefined,
  problems: PlatformProblem[],
): { readonly freshness?: FreshnessObjective } | undefined {
  return defined({ freshness: freshnessOf(get(tree, 'objectives', 'freshness'), problems) })
}

/** `objectives` of a service. */
export function serviceObjectivesOf(
  tree: Tree,
  { consumes }: { readonly consumes: readonly string[] },
  problems: PlatformProblem[],
): ServiceObjectives | undefined {
  const objectives = get(tree, 'objectives')
  for (const [word, { key }] of entriesOf(objectives)) {
    if (consumes.length === 0 && (word === 'freshness' || word === 'processing')) {
      problems.push(problemAt(key, 'is about what a service consumes, and this one consumes nothing'))
    }
  }
  const freshness = get(objectives, 'freshness')
  const byTopic = new Map<string, FreshnessObjective>()
  for (const [topic, { key, value }] of entriesOf(freshness)) {
    if (consumes.length > 0 && !consumes.includes(topic)) {
      problems.push(problemAt(key, `is not among what the service consumes${didYouMean(topic, consumes)}`))
    }
    const objective = freshnessOf(value, problems)
    if (objective !== undefined) {
      byTopic.set(topic, objective)
    }
  }
  return defined({
    freshness: freshness?.kind === 'map' ? undefined : freshnessOf(freshness, problems),
    freshnessByTopic: byTopic.size === 0 ? undefined : byTopic,
    processing: ratioOf(get(objectives, 'processing'), problems),
  })
}

/** `objectives` of the file, which are the cluster's. */
export function clusterObjectivesOf(root: Tree, problems: PlatformProblem[]): Pick<Platform, 'objectives'> {
  const tree = get(root, 'objectives')
  const objectives = defined({
    availability: ratioOf(get(tree, 'availability'), problems),
    latency: latencyOf(get(tree, 'latency'), problems),
  })
  return objectives === undefined ? {} : { objectives }
}

/** Names become file names, label values and names of receivers. */
const plainName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/

export function ownersOf(
  declared: ReadonlyMap<string, Declared>,
  problems: PlatformProblem[],
): Pick<Platform, 'owners'> {
  const owners = [...declared].map(([name, { key, value }]) => ownerOf(name, key, value, problems))
  return owners.length === 0 ? {} : { owners }
}

function ownerOf(name: string, key: Position, tree: Tree, problems: PlatformProblem[]): PlatformOwner {
  if (!plainName.test(name)) {
    problems.push(problemAt(key, 'must be of a-z, 0-9 and -, and begin and end with a letter or a digit'))
  }
  const slack = known(get(tree, 'slack'))
  if (slack !== undefined && !/^#[^\s#]+$/.test(slack.value)) {
    problems.push(problemAt(slack.at, `must be a channel in quotes, such as "#payments"${secretHint(slack.value)}`))
  }
  const pagerduty = known(get(tree, 'pagerduty'))
  if (pagerduty !== undefined && (!plainName.test(pagerduty.value) || looksSecret(pagerduty.value))) {
    problems.push(
      problemAt(pagerduty.at, `must be a name of a-z, 0-9 and -, such as on-call${secretHint(pagerduty.value)}`),
    )
  }
  const email = get(tree, 'email')
  const addresses = (email?.kind === 'list' ? email.items : [email]).flatMap((item) => known(item) ?? [])
  for (const address of addresses) {
    if (!/^[^\s@]+@[^\s@]+$/.test(address.value)) {
      problems.push(problemAt(address.at, `must be an address such as kafka@example.com, it is ${address.source}`))
    }
  }
  if (tree.kind === 'map' && entriesOf(tree).length === 0) {
    problems.push(problemAt(key, 'must have slack, pagerduty or email, so that its alerts can be sent'))
  }
  return {
    name,
    ...(slack === undefined ? {} : { slack: slack.value }),
    ...(pagerduty === undefined ? {} : { pagerduty: pagerduty.value }),
    ...(addresses.length === 0 ? {} : { email: addresses.map(({ value }) => value) }),
    at: key,
  }
}

/** A key of PagerDuty, or the URL of a webhook. */
const looksSecret = (text: string): boolean => /^[0-9a-z]{32}$/i.test(text) || text.includes('://')
const secretHint = (text: string): string =>
  looksSecret(text) ? '; this looks like a secret: put it into a file that Alertmanager reads' : ''

/** `alerting` of the file with that of the environment over it. */
export function alertingOf(
  root: Tree,
  chosen: Tree | undefined,
  problems: PlatformProblem[],
): Pick<Platform, 'alerting'> {
  const tree = overlay(get(root, 'alerting'), get(chosen, 'alerting'))
  if (tree?.kind !== 'map') {
    return {}
  }
  const owner = known(get(tree, 'owner'))
  const smtp = get(tree, 'smtp')
  const [smarthost, from, username] = ['smarthost', 'from', 'username'].map((word) => known(get(smtp, word)))
  if (smtp?.kind === 'map') {
    for (const word of ['smarthost', 'from']) {
      if (get(smtp, word) === undefined) {
        problems.push(problemAt(smtp.at, `must have ${word}, such as ${smtpExamples[word]}`))
      }
    }
    if (smarthost !== undefined && !/^\S+:\d+$/.test(smarthost.value)) {
      problems.push(
        problemAt(smarthost.at, `must be host:port, such as mail.example.com:587, it is ${smarthost.source}`),
      )
    }
  }
  const alerting: Alerting = {
    ...(owner === undefined ? {} : { owner: owner.value }),
    ...(smarthost === undefined || from === undefined
      ? {}
      : {
          smtp: {
            smarthost: smarthost.value,
            from: from.value,
            ...(username === undefined ? {} : { username: username.value }),
          },
        }),
  }
  return { alerting }
}

const smtpExamples: Readonly<Record<string, string>> = {
  smarthost: 'mail.example.com:587',
  from: 'kafka@example.com',
}

/**
 * With `owners`, each owner that the file names is one of them; without, `owner` is a word for readers. Owners with `email` need a
 * mail server.
 *
 * @param named where each owner is named
 */
export function checkOwners(
  { owners, alerting }: Pick<Platform, 'owners' | 'alerting'>,
  named: readonly (Tree | undefined)[],
  problems: PlatformProblem[],
): void {
  if (owners === undefined) {
    return
  }
  const names = owners.map(({ name }) => name)
  // A default of all topics is named once for each of them.
  for (const tree of new Set(named)) {
    const scalar = known(tree)
    if (scalar !== undefined && !names.includes(scalar.value)) {
      problems.push(
        problemAt(scalar.at, `'${scalar.value}' is not declared below owners${didYouMean(scalar.value, names)}`),
      )
    }
  }
  const mailed = owners.find(({ email }) => email !== undefined)
  if (mailed?.at !== undefined && alerting?.smtp === undefined) {
    problems.push(problemAt(mailed.at, 'has an email address, and the file has no alerting.smtp to send mail with'))
  }
}
