// `selfmonitor acls`: the rules of Kafka's authorizer: list, create, delete; explain and matrix are in acl-explain. The options have kafka-acls' names.
import type { AclBinding } from '@selfmonitor/cluster'
import type { AuditedResource } from '../framework/audited.ts'
import { CliError, usageError } from '../framework/errors.ts'
import { collect } from '../framework/parse.ts'
import { choice, defineVerb, flag, type Noun, text, value } from '../framework/verb.ts'
import { counted } from '../output/format.ts'
import { type Column, renderTable } from '../output/table.ts'
import { explain, matrix } from './acl-explain.ts'
import { aclOperations, isOpen, matching, newRules, principals, type RuleFilter } from './acl-options.ts'
import { typedName } from './topic-guard.ts'

const columns: readonly Column<AclBinding>[] = [
  { header: 'PRINCIPAL', value: ({ principal }) => principal },
  {
    header: 'PERMISSION',
    value: ({ permission }) => permission,
    colour: (shown, { permission }, colours) => (permission === 'deny' ? colours.bad(shown) : shown),
  },
  { header: 'OPERATION', value: ({ operation }) => operation },
  { header: 'RESOURCE', value: ({ resourceType }) => resourceType },
  { header: 'PATTERN', value: ({ pattern }) => pattern },
  { header: 'NAME', value: ({ resourceName }) => resourceName },
  { header: 'HOST', value: ({ host }) => host },
]

const resourceOptions = {
  topic: value('--topic <name>', 'a topic, or * for all; repeatable', collect),
  group: value('--group <name>', 'a consumer group; repeatable', collect),
  transactionalId: value('--transactional-id <id>', 'a transactional id; repeatable', collect),
  user: value('--user <User:name>', 'an account, for its delegation tokens; repeatable', principals),
  cluster: flag('--cluster', 'the cluster itself'),
  operation: value('--operation <name,...>', 'read, write, describe, … or all; repeatable', aclOperations),
}
const filterOptions = {
  principal: value('--principal <User:name>', 'rules of this principal; repeatable', principals),
  ...resourceOptions,
  pattern: value('--pattern <type>', 'literal or prefixed', patternOf),
}

function patternOf(word: string): AclBinding['pattern'] {
  if (word !== 'literal' && word !== 'prefixed') throw usageError(`"${word}" is neither literal nor prefixed`)
  return word
}

const list = defineVerb({
  name: 'list',
  summary: 'list rules: who may do what, from where',
  details: 'Without options all of them.',
  examples: ['selfmonitor acls list --principal User:billing', 'selfmonitor acls list --topic user.events --match'],
  options: { ...filterOptions, match: flag('--match', 'also rules that reach the named resource by a prefix or by *') },
  output: ['table', 'json', 'yaml', 'name'],
  async run(context, { options }) {
    const { aclText } = await import('@selfmonitor/cluster')
    const found = matching(await (await context.cluster()).acls(), options)
    await context.printRows(found, {
      columns,
      name: aclText,
      empty: isOpen(options) ? 'No ACLs: only super users may do anything.' : 'No ACLs of that kind.',
    })
  },
})

const create = defineVerb({
  name: 'create',
  summary: 'add rules',
  details: 'One rule for each principal, operation and resource named. An existing rule is left as it is.',
  examples: [
    'selfmonitor acls create --allow-principal User:billing --operation read,describe --topic transaction.events --yes',
    'selfmonitor acls create --allow-principal User:billing --operation read --group billing. --pattern prefixed --yes',
  ],
  options: {
    allowPrincipal: value('--allow-principal <User:name>', 'who may; repeatable', principals),
    denyPrincipal: value(
      '--deny-principal <User:name>',
      'who may not, even if another rule allows it; repeatable',
      principals,
    ),
    ...resourceOptions,
    pattern: choice('--pattern <type>', 'whether the name is a prefix', ['literal', 'prefixed'], 'literal'),
    host: text('--host <address>', 'from this address only (default: from any)'),
  },
  output: ['table', 'json', 'yaml', 'name'],
  mutates: true,
  async run(context, { options }) {
    const wanted = newRules({ ...options, host: options.host ?? '*' })
    const cluster = await context.cluster()
    const { aclText } = await import('@selfmonitor/cluster')
    const present = new Set((await cluster.acls()).map(aclText))
    const added = wanted.filter((rule) => !present.has(aclText(rule)))
    if (added.length > 0) {
      context.note(renderTable(added, columns, context.colours.stderr).trimEnd())
      await context.confirm({
        what: `Add ${counted(added.length, 'ACL')}`,
        typedName: typedName(context.settings.environment.value, principalsOf(added)),
      })
      await context.audited({ action: 'acls.create', resources: resourcesOf(added), after: added }, () =>
        cluster.createAcls(added),
      )
    }
    if (context.format !== 'table')
      await context.printRows(added, { columns, name: aclText, empty: 'Nothing to add: the ACLs exist already.' })
    else
      context.note(
        added.length === 0 ? 'Nothing to add: the ACLs exist already.' : `Added ${counted(added.length, 'ACL')}.`,
      )
  },
})

const remove = defineVerb({
  name: 'delete',
  summary: 'delete the rules that the options name',
  details:
    'Options that are not given match everything: --principal alone means all of its rules. The preview shows each one.',
  examples: [
    'selfmonitor acls delete --principal User:old-service --yes',
    'selfmonitor acls delete --principal User:billing --topic user.events --operation write --yes',
  ],
  options: filterOptions,
  output: ['table', 'json', 'yaml', 'name'],
  mutates: true,
  async run(context, { options }) {
    if (isOpen(options satisfies RuleFilter))
      throw usageError('No rules are selected.', 'Pass --principal, a resource or --operation.')
    const cluster = await context.cluster()
    const { aclText } = await import('@selfmonitor/cluster')
    const found = matching(await cluster.acls(), options)
    if (found.length === 0) {
      throw new CliError('NO_SUCH_ACL', 'No ACLs match: nothing to delete.', {
        hint: '`selfmonitor acls list` lists the existing ones.',
      })
    }
    context.note(renderTable(found, columns, context.colours.stderr).trimEnd())
    await context.confirm({
      what: `Delete ${counted(found.length, 'ACL')}`,
      typedName: typedName(context.settings.environment.value, principalsOf(found)),
    })
    await context.audited({ action: 'acls.delete', resources: resourcesOf(found), before: found }, () =>
      cluster.deleteAcls(found),
    )
    if (context.format !== 'table') await context.printRows(found, { columns, name: aclText, empty: '' })
    else context.note(`Deleted ${counted(found.length, 'ACL')}.`)
  },
})

function principalsOf(rules: readonly AclBinding[]): string[] {
  return [...new Set(rules.map(({ principal }) => principal))]
}

/** What the rules are about, each once: the principals and the resources. */
function resourcesOf(rules: readonly AclBinding[]): AuditedResource[] {
  const named = [
    ...principalsOf(rules).map((name) => ({ type: 'principal', name })),
    ...rules.map(({ resourceType, resourceName }) => ({ type: resourceType, name: resourceName })),
  ]
  return [...new Map(named.map((resource) => [`${resource.type} ${resource.name}`, resource])).values()]
}

export const acls: Noun = {
  name: 'acls',
  summary: 'who may do what: list, create, delete, explain, matrix',
  verbs: [list, create, remove, explain, matrix],
}
