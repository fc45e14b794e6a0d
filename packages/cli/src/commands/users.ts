// `selfmonitor users`: the accounts that Kafka keeps itself (SCRAM): list, create, set-password, delete.
import type { Cluster, ScramUser } from '@selfmonitor/cluster'
import { CliError } from '../framework/errors.ts'
import { readPassword } from '../framework/secret.ts'
import type { Settings } from '../framework/settings.ts'
import { didYouMean } from '../framework/suggest.ts'
import { choice, defineVerb, type Noun, required, text, variadic } from '../framework/verb.ts'
import { counted } from '../output/format.ts'
import type { Column } from '../output/table.ts'
import { typedName } from './topic-guard.ts'

const columns: readonly Column<ScramUser>[] = [
  { header: 'USER', value: ({ name }) => name },
  { header: 'MECHANISMS', value: ({ credentials }) => credentials.map(({ mechanism }) => mechanism).join(', ') },
  {
    header: 'ITERATIONS',
    value: ({ credentials }) => [...new Set(credentials.map(({ iterations }) => iterations))].join(', '),
    align: 'right',
  },
]

const list = defineVerb({
  name: 'list',
  summary: 'list accounts and their mechanisms',
  details:
    'Accounts with SCRAM credentials, which Kafka itself stores. It does not know those of certificates or of PLAIN.',
  examples: ['selfmonitor users list --command-config admin.properties'],
  output: ['table', 'json', 'yaml', 'name'],
  async run(context) {
    const found = await (await context.cluster()).users()
    await context.printRows(found, { columns, name: ({ name }) => name, empty: 'No accounts.' })
  },
})

const options = {
  passwordFile: text('--password-file <file>', 'file that contains only the password; - for standard input'),
  mechanism: choice(
    '--mechanism <name>',
    'SASL mechanism of the account',
    ['SCRAM-SHA-512', 'SCRAM-SHA-256'],
    'SCRAM-SHA-512',
  ),
}
const fromWhere =
  'The password comes from --password-file, else from SELFMONITOR_PASSWORD, else from a prompt. It is never sent to Kafka,\n' +
  'which gets only its salted hash.'

const create = defineVerb({
  name: 'create',
  summary: 'create an account',
  details: `${fromWhere} An account may do nothing until an ACL allows it.`,
  examples: [
    'selfmonitor users create billing --password-file billing.password --yes',
    'openssl rand -base64 24 | selfmonitor users create billing --password-file - --yes',
  ],
  args: { user: required('name of the account') },
  options,
  output: ['table', 'json', 'yaml', 'name'],
  mutates: true,
  async run(context, { args, options: { passwordFile, mechanism } }) {
    const cluster = await context.cluster()
    const present = (await cluster.users()).find(({ name }) => name === args.user)
    if (present?.credentials.some((one) => one.mechanism === mechanism)) {
      throw new CliError('USER_EXISTS', `Account "${args.user}" already has ${mechanism} credentials.`, {
        hint: '`selfmonitor users set-password` changes its password.',
      })
    }
    const password = await readPassword(context.io, args.user, passwordFile)
    context.note(`  ${context.colours.stderr.good('+')} ${args.user}: ${mechanism}`)
    await context.confirm({ what: `Create the account ${args.user}`, typedName: args.user })
    await context.audited(
      { action: 'users.create', resources: [{ type: 'user', name: args.user }], after: { mechanism } },
      () => cluster.setUserPasswords([{ name: args.user, password, mechanism }]),
    )
    const created = (await cluster.users()).filter(({ name }) => name === args.user)
    await context.printRows(created, {
      columns,
      name: ({ name }) => name,
      empty: 'The account was created, but no longer exists.',
    })
  },
})

const setPassword = defineVerb({
  name: 'set-password',
  summary: 'change the password of an account',
  details: `${fromWhere} Open connections stay open; new ones need the new password.`,
  examples: ['selfmonitor users set-password billing --password-file billing.password --yes'],
  args: { user: required('name of the account', 'users') },
  options,
  output: ['table', 'json', 'yaml', 'name'],
  mutates: true,
  async run(context, { args, options: { passwordFile, mechanism } }) {
    const cluster = await context.cluster()
    const [user] = await requireUsers(cluster, [args.user])
    if (!user!.credentials.some((one) => one.mechanism === mechanism)) {
      throw new CliError('NO_SUCH_MECHANISM', `${args.user} does not log in with ${mechanism}.`, {
        hint: `Pass --mechanism ${user!.credentials[0]!.mechanism}, or add ${mechanism} with \`selfmonitor users create\`.`,
      })
    }
    const password = await readPassword(context.io, args.user, passwordFile)
    context.note(`  ${context.colours.stderr.careful('~')} ${args.user}: new ${mechanism} password`)
    await context.confirm({ what: `Change the password of ${args.user}`, typedName: args.user })
    await context.audited(
      { action: 'users.set-password', resources: [{ type: 'user', name: args.user }], after: { mechanism } },
      () => cluster.setUserPasswords([{ name: args.user, password, mechanism }]),
    )
    await context.printRows([user!], {
      columns: [{ header: 'CHANGED', value: ({ name }) => name }],
      name: ({ name }) => name,
      data: ({ name }) => ({ name, mechanism }),
      empty: 'Nothing to change.',
    })
  },
})

const remove = defineVerb({
  name: 'delete',
  summary: 'delete accounts; their ACLs stay',
  details: 'Refuses the account that it logs in with: there might be no account left that could create it again.',
  examples: ['selfmonitor users delete old-service --yes'],
  args: { user: variadic('names', 'users') },
  output: ['table', 'json', 'yaml', 'name'],
  mutates: true,
  async run(context, { args }) {
    refuseOwnAccount(context.settings.security.sasl, args.user)
    const cluster = await context.cluster()
    const found = await requireUsers(cluster, args.user)
    for (const { name, credentials } of found) {
      const mechanisms = credentials.map(({ mechanism }) => mechanism).join(', ')
      context.note(`  ${context.colours.stderr.bad('-')} ${name}: ${mechanisms}`)
    }
    await context.confirm({
      what: `Delete ${counted(found.length, 'account')}`,
      typedName: typedName(context.settings.environment.value, args.user),
    })
    await context.audited(
      { action: 'users.delete', resources: args.user.map((name) => ({ type: 'user', name })), before: found },
      () => cluster.deleteUsers(args.user),
    )
    await context.printRows(found, {
      columns: [{ header: 'DELETED', value: ({ name }) => name }],
      name: ({ name }) => name,
      data: ({ name }) => ({ name }),
      empty: 'Nothing to delete.',
    })
    if (context.format === 'table')
      context.note('Their ACLs stay: `selfmonitor acls list --principal User:…` shows them.')
  },
})

/**
 * PLAIN accounts are not stored in Kafka: a SCRAM account of the same name is a different account and may be deleted.
 * @param login what the command itself logs in with
 * @param names accounts to delete
 * @throws CliError OWN_ACCOUNT
 */
export function refuseOwnAccount(login: Settings['security']['sasl'], names: readonly string[]): void {
  if (login === undefined || login.mechanism === 'PLAIN' || !names.includes(login.username)) return
  throw new CliError(
    'OWN_ACCOUNT',
    `${login.username} is the account that this command logs in with. Nothing was deleted.`,
    { hint: 'Use the --command-config of another account that may alter users.' },
  )
}

/** @throws CliError UNKNOWN_USER naming the nearest name. */
async function requireUsers(cluster: Cluster, names: readonly string[]): Promise<ScramUser[]> {
  const known = await cluster.users()
  const missing = names.find((name) => !known.some((user) => user.name === name))
  if (missing !== undefined) {
    const hint = didYouMean(
      missing,
      known.map(({ name }) => name),
    )
    throw new CliError('UNKNOWN_USER', `There is no account "${missing}" on ${cluster.bootstrapServers}.`, {
      hint: hint ?? '`selfmonitor users list` lists the existing ones.',
    })
  }
  return known.filter(({ name }) => names.includes(name))
}

export const users: Noun = {
  name: 'users',
  summary: 'accounts: list, create, set-password, delete',
  verbs: [list, create, setPassword, remove],
}
