// `selfmonitor acls explain` and `acls matrix`: what principals may do, and why.
import type { AclBinding, AclOperation, AclResourceType, Cluster } from '@selfmonitor/cluster'
import { aclOperationsOf } from '@selfmonitor/cluster/acl-operations'
import type { Context } from '../framework/context.ts'
import { exitCodes, usageError } from '../framework/errors.ts'
import { collect } from '../framework/parse.ts'
import { defineVerb, flag, required, text, value } from '../framework/verb.ts'
import { counted } from '../output/format.ts'
import type { Column } from '../output/table.ts'
import { type AclDecision, type AuthorizerFacts, decide } from './acl-decision.ts'
import { aclOperations, principals, resources } from './acl-options.ts'

const factOptions = {
  superUser: value(
    '--super-user <User:name>',
    'a super user of the brokers, which they do not tell; repeatable',
    principals,
  ),
  allowEveryone: flag(
    '--allow-everyone',
    'the brokers have allow.everyone.if.no.acl.found=true, which they do not tell',
  ),
  host: text('--host <address>', 'of a client at this address (default: at any)'),
}

interface FactOptions {
  readonly superUser?: readonly string[]
  readonly allowEveryone: boolean
}

/** Brokers list settings of their authorizer without the value: that one is set can be seen, and no more. */
async function factsOf(context: Context, cluster: Cluster, options: FactOptions): Promise<AuthorizerFacts> {
  const [broker] = (await cluster.info()).brokers
  const configs = await cluster.brokerConfigs(broker!.id).catch(() => undefined)
  const found = (name: string) => configs?.find((entry) => entry.name === name)
  const superUsers = found('super.users')
  const everyone = found('allow.everyone.if.no.acl.found')
  const unknown = [
    ...(options.superUser === undefined && (configs === undefined || superUsers?.value === null)
      ? ['--super-user']
      : []),
    ...(!options.allowEveryone && (configs === undefined || everyone?.value === null) ? ['--allow-everyone'] : []),
  ]
  if (unknown.length > 0) {
    context.note(
      context.colours.stderr.careful(
        `The brokers do not tell these settings: pass ${unknown.join(' and ')} where they are set.`,
      ),
    )
  }
  return {
    superUsers: options.superUser ?? superUsers?.value?.split(';').map((name) => name.trim()) ?? [],
    allowEveryone: options.allowEveryone || everyone?.value === 'true',
  }
}

interface Row {
  readonly resourceType: AclResourceType
  readonly resourceName: string
  readonly operation: AclOperation
  readonly decision: AclDecision
}

function because({ because: reason }: AclDecision, ruleText: (rule: AclBinding) => string): string {
  switch (reason.kind) {
    case 'super user':
      return 'a super user'
    case 'rule':
      return ruleText(reason.rule)
    case 'no rules':
      return 'no rule names it: allow.everyone.if.no.acl.found decides'
    case 'no rule fits':
      return 'rules name it, none fits'
    default:
      return reason satisfies never
  }
}

function columnsOf(ruleText: (rule: AclBinding) => string): readonly Column<Row>[] {
  return [
    { header: 'RESOURCE', value: ({ resourceType, resourceName }) => `${resourceType} ${resourceName}` },
    { header: 'OPERATION', value: ({ operation }) => operation },
    {
      header: 'ANSWER',
      value: ({ decision }) => (decision.isAllowed ? 'allowed' : 'denied'),
      colour: (shown, { decision }, colours) => (decision.isAllowed ? colours.good(shown) : colours.bad(shown)),
    },
    {
      header: 'BECAUSE',
      value: ({ decision }) =>
        [
          because(decision, ruleText),
          ...decision.overruled.map((rule) => `overrules: ${ruleText(rule)}`),
          ...decision.elsewhere.map((rule) => `but: ${ruleText(rule)}`),
        ].join('; '),
    },
  ]
}

export const explain = defineVerb({
  name: 'explain',
  summary: 'say what a principal may do, and which rule decides',
  details:
    'In the order of Kafka: super users may do everything; a rule that denies wins over all that allow; names, prefixes and * count alike;\n' +
    'read, write, delete and alter allow describe as well, alter-configs allows describe-configs. Without a resource: everything that the\n' +
    'principal may do with the existing topics and groups and with the cluster, and what is denied to it by a rule. With one resource and\n' +
    'one operation the exit code is 1 when it is denied.',
  examples: [
    'selfmonitor acls explain User:billing',
    'selfmonitor acls explain User:billing --topic user.events --operation write --host 10.0.0.7',
  ],
  args: { principal: required('User:name') },
  options: {
    topic: value('--topic <name>', 'a topic; repeatable', collect),
    group: value('--group <name>', 'a consumer group; repeatable', collect),
    transactionalId: value('--transactional-id <id>', 'a transactional id; repeatable', collect),
    cluster: flag('--cluster', 'the cluster itself'),
    operation: value('--operation <name,...>', 'read, write, describe, …; repeatable', aclOperations),
    ...factOptions,
  },
  output: ['table', 'json', 'yaml'],
  async run(context, { args, options }) {
    const [principal] = principals(args.principal)
    const cluster = await context.cluster()
    const { aclText } = await import('@selfmonitor/cluster')
    const [rules, facts] = await Promise.all([cluster.acls(), factsOf(context, cluster, options)])
    const named = resources(options)
    const on = named.length > 0 ? named : await existing(cluster)
    const rows = on.flatMap(({ type, name }) =>
      operationsOf(type, options.operation).map((operation): Row => {
        const question = {
          principal: principal!,
          operation,
          resourceType: type,
          resourceName: name,
          host: options.host,
        }
        return { resourceType: type, resourceName: name, operation, decision: decide(rules, question, facts) }
      }),
    )
    if (rows.length === 0) throw usageError('None of these operations applies to these resources.')
    const isOpen = named.length === 0
    const shown = rows.filter(
      ({ decision }) =>
        !isOpen || decision.isAllowed || decision.because.kind === 'rule' || decision.elsewhere.length > 0,
    )
    await context.printRows(shown, {
      columns: columnsOf(aclText),
      name: ({ resourceType, resourceName, operation }) => `${resourceType} ${resourceName} ${operation}`,
      data: ({ decision, ...row }) => ({ principal, ...row, ...decision }),
      empty: `${principal} may do nothing with what exists: no rule fits.`,
    })
    if (isOpen && context.format === 'table' && shown.length < rows.length)
      context.note('Everything else is denied: no rule fits.')
    return rows.length === 1 && !rows[0]!.decision.isAllowed ? exitCodes.failed : exitCodes.done
  },
})

function operationsOf(type: AclResourceType, wanted: readonly AclOperation[] | undefined): readonly AclOperation[] {
  const own = aclOperationsOf[type].filter((operation) => operation !== 'all')
  return wanted === undefined ? own : own.filter((operation) => wanted.includes(operation) || wanted.includes('all'))
}

async function existing(cluster: Cluster): Promise<{ type: AclResourceType; name: string }[]> {
  const [topics, groups] = await Promise.all([cluster.listTopics({ internal: true }), cluster.listGroups()])
  const named = (type: AclResourceType, names: readonly string[]) => names.toSorted().map((name) => ({ type, name }))
  return [
    ...named(
      'topic',
      topics.map(({ name }) => name),
    ),
    ...named(
      'group',
      groups.map(({ groupId }) => groupId),
    ),
    { type: 'cluster' as const, name: 'kafka-cluster' },
  ]
}

interface MatrixRow {
  readonly topic: string
  /** By principal: the operations that it may do. */
  readonly allowed: ReadonlyMap<string, readonly AclOperation[]>
}

const cell = (row: MatrixRow, principal: string): string => (row.allowed.get(principal) ?? []).join(' ')

export const matrix = defineVerb({
  name: 'matrix',
  summary: 'show which principal may do what with each topic',
  details:
    'A row for each topic, a column for each principal that a rule names, with the operations that it may do. User:* is any other principal.\n' +
    '-o csv is for auditors, -o json also names the rule behind each operation.',
  examples: ['selfmonitor acls matrix', 'selfmonitor acls matrix --super-user User:admin -o csv > matrix.csv'],
  options: {
    topic: value('--topic <name>', 'only this topic; repeatable', collect),
    principal: value(
      '--principal <User:name>',
      'these principals; repeatable (default: those of the rules)',
      principals,
    ),
    internal: flag('--internal', 'also topics of Kafka and the registry'),
    ...factOptions,
  },
  output: ['table', 'csv', 'json', 'yaml'],
  async run(context, { options }) {
    const cluster = await context.cluster()
    const { aclText } = await import('@selfmonitor/cluster')
    const [rules, facts, topics] = await Promise.all([
      cluster.acls(),
      factsOf(context, cluster, options),
      cluster.listTopics({ internal: options.internal }),
    ])
    const who =
      options.principal ?? [...new Set([...facts.superUsers, ...rules.map(({ principal }) => principal)])].sort()
    const names = topics.map(({ name }) => name).filter((name) => options.topic?.includes(name) ?? true)
    const decided = names.sort().map((topic) => ({
      topic,
      of: who.map((principal) => ({
        principal,
        operations: operationsOf('topic', undefined).map((operation) => ({
          operation,
          ...decide(
            rules,
            { principal, operation, resourceType: 'topic', resourceName: topic, host: options.host },
            facts,
          ),
        })),
      })),
    }))
    const rows = decided.map(({ topic, of }): MatrixRow => {
      const allowed = of.map(({ principal, operations }) => {
        return [principal, operations.filter(({ isAllowed }) => isAllowed).map(({ operation }) => operation)] as const
      })
      return { topic, allowed: new Map(allowed) }
    })
    if (context.format === 'csv') {
      const lines = [['topic', ...who], ...rows.map((row) => [row.topic, ...who.map((one) => cell(row, one))])]
      context.out(lines.map((line) => `${line.map(csvField).join(',')}\r\n`).join(''))
      return
    }
    if (context.format !== 'table') {
      const data = decided.flatMap(({ topic, of }) =>
        of.flatMap(({ principal, operations }) =>
          operations.map(({ operation, isAllowed, because: reason }) => ({
            ...{ topic, principal, operation, isAllowed },
            because: reason.kind === 'rule' ? aclText(reason.rule) : reason.kind,
          })),
        ),
      )
      await context.printRows(data, { columns: [], name: ({ topic }) => topic, empty: '' })
      return
    }
    await context.printRows(rows, {
      columns: [
        { header: 'TOPIC', value: ({ topic }) => topic },
        ...who.map(
          (principal): Column<MatrixRow> => ({ header: principal, value: (row) => cell(row, principal) || '-' }),
        ),
      ],
      name: ({ topic }) => topic,
      empty: 'No topics.',
    })
    context.note(`${counted(rows.length, 'topic')}, ${counted(who.length, 'principal')}.`)
  },
})

/** RFC 4180; a text that a spreadsheet would take for a formula is marked as a text. */
function csvField(text: string): string {
  const safe = /^[=+@-]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
