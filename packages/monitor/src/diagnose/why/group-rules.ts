// Reasons that are in the group: who reads for it, and whether they may.
import type { SurveyedMember } from '@selfmonitor/cluster'
import { flappingRebalances, flappingRecentMs } from '../thresholds.ts'
import { counted, evidence, several, shellWord, span } from '../words.ts'
import { mayRead } from './access.ts'
import type { EventEvidence } from './types.ts'
import { committedFact, describeGroup, type Rule, reason, type View } from './view.ts'

/** Whether a member wants the topic; null where that cannot be told. */
function wants({ subscribedTopics, subscribedTopicRegex }: SurveyedMember, topic: string): boolean | null {
  if (subscribedTopics?.includes(topic)) return true
  if (subscribedTopicRegex !== null && subscribedTopicRegex !== '') {
    try {
      // RE2 (KIP-848) matches the whole name; what JavaScript cannot parse is not known.
      if (new RegExp(`^(?:${subscribedTopicRegex})$`, 'u').test(topic)) return true
    } catch {
      return null
    }
  }
  return subscribedTopics === null ? null : false
}

export const notSubscribed: Rule = (view) => {
  const { members, topic } = view
  if (members.length === 0 || view.owner !== undefined || view.passed) return null
  const answers = members.map((member) => wants(member, topic))
  if (answers.some((answer) => answer !== false)) return null
  const topics = [...new Set(members.flatMap(({ subscribedTopics }) => subscribedTopics ?? []))]
  return reason(
    'NOT_SUBSCRIBED',
    'certain',
    `no member of ${view.groupId} subscribes to ${topic}`,
    [
      evidence(
        'subscribed',
        topics.join(','),
        topics.length === 0
          ? 'its members subscribe to nothing'
          : `its ${counted(members.length, 'member')} subscribe${members.length === 1 ? 's' : ''} to ${several(topics)}`,
      ),
      committedFact(view),
    ],
    {
      text: 'Check the name of the topic and the group in the service; in platform.yaml, `consumes`.',
      command: describeGroup(view),
    },
  )
}

export const noMembers: Rule = (view) => {
  if (view.members.length > 0 || view.passed || view.group?.problem) return null
  const unknown = view.group === null
  return reason(
    'NO_MEMBERS',
    'certain',
    unknown ? `there is no group ${view.groupId}` : `${view.groupId} has no members, so it reads nothing`,
    [
      evidence(
        'state',
        view.group?.state ?? null,
        unknown
          ? 'no broker knows it: it never joined and has committed nothing, or its offsets expired'
          : `its state is ${view.group!.state}`,
      ),
      committedFact(view),
    ],
    {
      text: unknown
        ? 'Check the name; a service of this library is a group by its own name.'
        : 'Start the service, and read its log if it cannot join.',
      command: unknown ? 'selfmonitor groups list' : describeGroup(view),
    },
  )
}

export const unassigned: Rule = (view) => {
  if (view.members.length === 0 || view.owner !== undefined || view.passed || view.group!.state !== 'Stable')
    return null
  if (view.members.every((member) => wants(member, view.topic) === false)) return null
  const holders = view.members.filter(({ assignment }) => assignment.length > 0)
  return reason(
    'UNASSIGNED',
    'certain',
    `partition ${view.partition} of ${view.topic} is assigned to no member of ${view.groupId}`,
    [
      evidence(
        'members',
        view.members.length,
        `${counted(view.members.length, 'member')}, ${holders.length} of them with partitions, state Stable`,
      ),
      committedFact(view),
    ],
    {
      text: 'The partition was added after the last rebalance, or members assign partitions themselves. Restart one member, so that the group rebalances.',
      command: describeGroup(view),
    },
  )
}

const settled = ['Stable', 'Empty', 'Dead', 'Unknown']

export const rebalancing: Rule = (view) => {
  const unsettled = view.looks.filter(({ state }) => !settled.includes(state))
  if (view.passed || unsettled.length === 0 || isFlapping(view)) return null
  return reason(
    'REBALANCING',
    unsettled.length === view.looks.length ? 'certain' : 'likely',
    `${view.groupId} is rebalancing: its members read little or nothing until the rebalance has ended`,
    [
      evidence(
        'state',
        unsettled.at(-1)!.state,
        `${unsettled.at(-1)!.state} in ${unsettled.length} of ${counted(view.looks.length, 'look')} within ${span(view.observedMs)}`,
      ),
      evidence('members', view.members.length, counted(view.members.length, 'member')),
    ],
    {
      text: 'Look again in a minute: a member that ended without leaving the group delays it for its session timeout (45 s by default).',
      command: describeGroup(view),
    },
  )
}

/** Times at which the members or their partitions were others than at the look before. */
function changes({ looks }: EventEvidence): number {
  return looks.filter(
    ({ assignment, state }, at) =>
      at > 0 &&
      (assignment !== looks[at - 1]!.assignment ||
        (!settled.includes(state) && settled.includes(looks[at - 1]!.state))),
  ).length
}

function isFlapping(view: View): boolean {
  const recent = (view.watched?.rebalancedAtMs ?? []).filter((ms) => view.atMs - ms < flappingRecentMs * 5)
  return recent.length >= flappingRebalances || changes(view) >= 3
}

export const flapping: Rule = (view) => {
  if (view.passed || !isFlapping(view)) return null
  const seen = Math.max(changes(view), view.watched?.rebalancedAtMs.length ?? 0)
  return reason(
    'FLAPPING',
    'certain',
    `${view.groupId} rebalances again and again: members join and leave`,
    [
      evidence(
        'rebalances',
        seen,
        `${counted(seen, 'rebalance')}${changes(view) >= 3 ? ` within ${span(view.observedMs)}` : ''}`,
      ),
      evidence('members', view.members.length, `${counted(view.members.length, 'member')} now`),
    ],
    {
      text: 'Check the service for restarts, for its memory, and for handlers that take longer than max.poll.interval.ms.',
      command: describeGroup(view),
    },
  )
}

export const denied: Rule = (view) => {
  const { access, passed } = view
  if (access.kind !== 'rules' || passed) return null
  const { principal } = access
  const lacks = (['topic', 'group'] as const).filter(
    (type) => !mayRead(access, principal, type, type === 'topic' ? view.topic : view.groupId),
  )
  if (lacks.length === 0) return null
  // A member that has the partition has got past the group's rule.
  if (view.members.length > 0 && lacks.every((type) => type === 'group')) return null
  const who = principal ?? 'any account'
  const what = lacks.map((type) => `READ on ${type} ${type === 'topic' ? view.topic : view.groupId}`).join(' and ')
  const account = principal ?? 'User:ACCOUNT'
  const options = lacks.map((type) => `--${type} ${shellWord(type === 'topic' ? view.topic : view.groupId)}`).join(' ')
  return reason(
    'ACL_DENIED',
    access.named && access.superUsers !== null ? 'certain' : 'likely',
    principal === null ? `no ACL gives any account ${what}` : `${who} may not do this: it lacks ${what}`,
    [
      evidence(
        'rules',
        access.bindings.length,
        `of ${counted(access.bindings.length, 'ACL')}, none allows it; ${access.superUsers === null ? 'super users, who need none, cannot be seen from here' : `super users are ${several(access.superUsers) || 'none'}`}`,
      ),
      ...(access.named
        ? []
        : [
            evidence(
              'principal',
              principal,
              principal === null
                ? 'as whom the members log in is not known here (--principal)'
                : 'the account is taken from the names of the group and its members (--principal names another)',
            ),
          ]),
    ],
    {
      text: 'Declare the topic under `consumes` of the service in platform.yaml and apply it, or add the rule.',
      command: `kafka-acls --bootstrap-server ${view.bootstrap} --add --allow-principal ${shellWord(account)} --operation read ${options}`,
    },
    'clients-are-refused',
  )
}

export const startedAtLatest: Rule = (view) =>
  // Behind the first record of an open transaction, a member waits that began at earliest too.
  view.committed !== null ||
  view.owner === undefined ||
  view.offsetsProblem !== null ||
  !view.exists ||
  view.offset >= view.lastStable
    ? null
    : reason(
        'STARTED_AT_LATEST',
        'likely',
        `${view.groupId} has the partition and has never committed there: with auto.offset.reset=latest it started after ${view.place}`,
        [
          committedFact(view),
          evidence('owner', view.owner.clientId, `assigned to ${view.owner.clientId} on ${view.owner.host}`),
          evidence('range', view.end - view.start, `the log has offsets ${view.start} to ${view.end}`),
        ],
        {
          text: 'Set auto.offset.reset=earliest for services that need every record. To read it now, stop the group and reset it. If it began at earliest, it has not finished its first record.',
          command: `selfmonitor groups reset-offsets ${shellWord(view.groupId)} --topic ${shellWord(`${view.topic}:${view.partition}`)} --to-offset ${view.offset}`,
        },
        'reset-a-groups-offsets',
      )

export const skipped: Rule = (view) => {
  const reset = view.watched?.lastReset ?? null
  if (reset === null || view.offset < reset.from || view.offset >= reset.to) return null
  return reason(
    'SKIPPED_BY_RESET',
    'certain',
    `the offset of ${view.groupId} was moved past ${view.place}`,
    [
      evidence('reset', reset.to, `from ${reset.from} to ${reset.to}, ${span(view.atMs - reset.atMs)} ago`),
      committedFact(view),
    ],
    {
      text: 'The reset skipped this record. To read it, stop the group and move it back.',
      command: `selfmonitor groups reset-offsets ${shellWord(view.groupId)} --topic ${shellWord(`${view.topic}:${view.partition}`)} --to-offset ${view.offset}`,
    },
    'reset-a-groups-offsets',
  )
}
