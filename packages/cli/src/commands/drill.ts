// `selfmonitor drill`: restores the newest backup into a place apart, proves it, and writes a signed report.
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { hostname, userInfo } from 'node:os'
import { resolve } from 'node:path'
import type { DrillReport, ScenarioId, SignedReport } from '@selfmonitor/backup/drill'
import type { Cluster } from '@selfmonitor/cluster'
import { expectations, recordChecksOf } from '../backup/drill-checks.ts'
import { drillOutcome } from '../backup/drill-outcome.ts'
import type { Context } from '../framework/context.ts'
import { CliError, exitCodes, usageError } from '../framework/errors.ts'
import { readGivenFile } from '../framework/given-file.ts'
import { duration, integer } from '../framework/parse.ts'
import { choice, defineVerb, flag, type Noun, required, text, value } from '../framework/verb.ts'
import { version } from '../framework/version.ts'
import { time } from '../output/format.ts'
import { progressLine } from '../output/progress-line.ts'
import type { Column } from '../output/table.ts'
import { identityOption, openPlace, placeOptions, topicFilter, topicsOption } from './backup-place.ts'
import { embeddedTarget, namedTarget, reachableSource } from './drill-target.ts'
import { reportText } from './drill-view.ts'

const source = text('--source <address>', 'where the backups are: a folder, or s3://bucket/prefix (SELFMONITOR_BACKUP)')
const scenarioNames = [
  'cluster-lost',
  'topic-deleted',
  'bucket-region-lost',
  'key-lost',
  'registry-lost',
] as const satisfies readonly ScenarioId[]

const htmlOption = text('--html <file>', 'also write it as a page, to read and to print')

const dayMs = 86_400_000
const dateAfter = (ms: number): string => new Date(Date.now() + ms).toISOString().slice(0, 10)

const run = defineVerb({
  name: 'run',
  summary: 'restore the newest backup into a place apart, verify it, and report',
  details:
    'Starts a broker of its own on loopback, or restores into the cluster that --into names; that one is refused when it is the source,\n' +
    'has an address of it or uses an account of it. What was restored is removed afterwards. The source is not needed; where\n' +
    '--bootstrap-servers names it, the loss is measured against its newest record. The report is kept in the store below drills/.\n' +
    '`drill` alone is the same as `drill run`. Exit code 1 when any check fails.',
  examples: [
    'selfmonitor drill --source s3://kafka-backups/production --key drill-key.pem --rpo 1h --rto 4h',
    'selfmonitor drill --source backups --into standby:9093 --into-config standby.properties --yes',
  ],
  options: {
    source,
    clusterId: placeOptions.clusterId,
    identity: identityOption,
    topic: topicsOption,
    scenario: choice('--scenario <name>', 'what counts as lost', scenarioNames, 'cluster-lost'),
    copy: text('--copy <address>', 'a copy of the backups elsewhere, for --scenario bucket-region-lost'),
    into: text('--into <host:port,...>', 'restore into this cluster instead of a broker of its own'),
    intoConfig: text('--into-config <file>', 'client settings for that cluster (client.properties)'),
    keep: flag('--keep', 'leave what was restored in the cluster of --into'),
    folder: text(
      '--folder <path>',
      'where the broker of its own keeps its data; default: the system’s temporary folder',
    ),
    rpo: value(
      '--rpo <duration>',
      'recovery point objective: so much may be lost; default: the strictest of platform.yaml',
      duration,
    ),
    rto: value(
      '--rto <duration>',
      'recovery time objective: so long may the restore take; default: the strictest of platform.yaml',
      duration,
    ),
    key: text('--key <file>', 'sign the report with this private key (`drill keygen`; SELFMONITOR_DRILL_KEY)'),
    report: text('--report <file>', 'also write the report to this file'),
    html: htmlOption,
    file: text(
      '-f, --file <file>',
      'platform file with objectives and reconciliations (default: the nearest platform.yaml)',
    ),
    operator: text('--operator <name>', 'who runs the drill; default: the account of the machine'),
    approver: text('--approver <name>', 'who approved it'),
    trigger: choice('--trigger <why>', 'why it runs', ['manual', 'scheduled', 'change'], 'manual'),
    remediationOwner: text('--remediation-owner <name>', 'who mends what the drill finds'),
    remediationDue: value('--remediation-due <duration>', 'how soon', duration),
    nextDue: value('--next-due <duration>', 'when the next drill is due', duration, 365 * dayMs),
  },
  output: ['table', 'json', 'yaml', 'name'],
  mutates: true,
  isDefault: true,
  async run(context, { options }) {
    const drills = await import('@selfmonitor/backup/drill')
    const keyFile = options.key ?? (context.io.env.SELFMONITOR_DRILL_KEY || undefined)
    const key = keyFile === undefined ? null : drills.signingKey(readGivenFile(context.io, keyFile, '--key'))
    const isCopy = options.scenario === 'bucket-region-lost'
    if (isCopy !== (options.copy !== undefined)) {
      throw usageError('--copy and --scenario bucket-region-lost go together: the copy is what is left.')
    }
    const place = isCopy ? options.copy : options.source
    const store = await openPlace(context, place, '--source', { identity: options.identity })
    const { chooseCluster } = await import('@selfmonitor/backup')
    const clusterId = await chooseCluster(store, options.clusterId ?? null)
    const isNamed = options.into !== undefined || options.intoConfig !== undefined
    if (options.keep && !isNamed) throw usageError('--keep needs --into: a broker of its own is always removed.')
    if (options.scenario === 'topic-deleted' && options.topic === undefined) {
      throw usageError('--scenario topic-deleted needs --topic: which one was deleted?')
    }
    if (isNamed) {
      const where = options.into ?? `the cluster of ${options.intoConfig}`
      await context.confirm({ of: 'said', what: `Restore the newest backup into ${where}`, typedName: where })
    }
    const include = topicFilter(options.topic)
    const expected = await expectations(context, options.file, include)
    const recordChecks = await recordChecksOf(store, clusterId, expected.checks)
    const line = progressLine(context.io.stderr, context.colours.stderr)
    let phase = 'preparing'
    const target = () =>
      isNamed ? namedTarget(context, options.into, options.intoConfig) : embeddedTarget(context, options.folder)
    const source = await reachableSource(context, clusterId)
    const drill = async (): Promise<DrillReport> =>
      drills.runDrill(store, clusterId, {
        scenario: options.scenario,
        target,
        source,
        include,
        required: expected.required,
        recordChecks,
        storeChecks: options.scenario === 'key-lost' ? [await keysOf(context, place, options.identity)] : [],
        rpo: options.rpo === undefined ? expected.rpo : { ms: options.rpo, setBy: '--rpo' },
        rto: options.rto === undefined ? expected.rto : { ms: options.rto, setBy: '--rto' },
        tool: { name: `selfmonitor ${version()}`, build: await drills.programHash() },
        operator: options.operator ?? `${userInfo().username}@${hostname()}`,
        approver: options.approver ?? null,
        trigger: options.trigger,
        remediation: {
          owner: options.remediationOwner ?? null,
          due: options.remediationDue === undefined ? null : dateAfter(options.remediationDue),
        },
        nextDue: dateAfter(options.nextDue),
        keep: options.keep,
        signal: context.io.signal,
        onPhase: (name) => {
          phase = name
        },
        onProgress: (progress) => line.show(phase, { ...progress, unit: 'records', bytes: 0 }),
      })
    const resources = [{ type: 'backup', name: clusterId }]
    const report = await (isNamed ? context.audited({ action: 'drill.run', resources }, drill) : drill()).finally(() =>
      line.end(),
    )
    const file = drills.writeReport(report, key)
    // First where it is safe: the other places are the caller's.
    await drills.keepReport(store, report, file)
    if (options.report !== undefined) await writeFile(resolve(context.io.cwd, options.report), file)
    await writePage(context, options.html, drills.readReport(file))
    if (source !== null) await tellExporter(context, source.cluster, store.address, report)
    await show(context, drills.readReport(file))
    return report.outcome === 'passed' ? exitCodes.done : exitCodes.failed
  },
})

async function tellExporter(context: Context, cluster: Cluster, target: string, report: DrillReport): Promise<void> {
  const { sendOutcome } = await import('../backup/report.ts')
  const unsent = await sendOutcome(cluster, drillOutcome(target, report))
  if (unsent !== null)
    context.note(context.colours.stderr.careful(`The exporter does not know of this drill: ${unsent}`))
}

async function show(context: Context, signed: SignedReport): Promise<void> {
  const { reportName } = await import('@selfmonitor/backup/drill')
  await context.printThing(signed, {
    name: reportName(signed.report),
    table: () => reportText(signed, context.colours.stdout),
  })
  if (signed.signature === null) {
    context.note(
      context.colours.stderr.careful(
        'The report is NOT SIGNED: it proves nothing to others. `selfmonitor drill keygen` makes a key for --key.',
      ),
    )
  }
}

/** Each key of the file alone. */
async function keysOf(context: Context, place: string | undefined, file: string | undefined) {
  const [{ readKeyFile, withSealing }, { keyCheck }, { identityToRecipient }] = await Promise.all([
    import('@selfmonitor/backup'),
    import('@selfmonitor/backup/drill'),
    import('age-encryption'),
  ])
  const identities = file === undefined ? [] : await readKeyFile(resolve(context.io.cwd, file))
  const store = await openPlace(context, place, '--source')
  return keyCheck(
    await Promise.all(
      identities.map(async (identity) => ({
        recipient: await identityToRecipient(identity),
        store: await withSealing(store, { recipients: [], identities: [identity] }),
      })),
    ),
  )
}

async function writePage(context: Context, name: string | undefined, signed: SignedReport): Promise<void> {
  if (name === undefined) return
  const { reportHtml } = await import('@selfmonitor/backup/drill')
  await writeFile(resolve(context.io.cwd, name), reportHtml(signed))
}

const columns: readonly Column<SignedReport>[] = [
  { header: 'STARTED', value: ({ report }) => time(Date.parse(report.startedAt)) },
  { header: 'SCENARIO', value: ({ report }) => report.scenario.id },
  {
    header: 'OUTCOME',
    value: ({ report }) => report.outcome,
    colour: (shown, { report }, colours) => (report.outcome === 'passed' ? colours.good(shown) : colours.bad(shown)),
  },
  { header: 'BACKUP', value: ({ report }) => report.backup?.number ?? null },
  { header: 'SIGNED', value: ({ signature }) => (signature === null ? 'no' : signature.keyId.slice(0, 8)) },
  { header: 'NEXT DUE', value: ({ report }) => report.nextDue },
]

const list = defineVerb({
  name: 'list',
  summary: 'list the reports of drills that are kept with the backups, the newest last',
  examples: ['selfmonitor drill list --source s3://kafka-backups/production'],
  options: { source, clusterId: placeOptions.clusterId, last: value('--last <n>', 'only so many', integer(1), 20) },
  output: ['table', 'json', 'yaml', 'name'],
  async run(context, { options }) {
    const store = await openPlace(context, options.source, '--source')
    const [{ chooseCluster }, { keptReport, keptReports, reportName }] = await Promise.all([
      import('@selfmonitor/backup'),
      import('@selfmonitor/backup/drill'),
    ])
    const clusterId = await chooseCluster(store, options.clusterId ?? null)
    const names = (await keptReports(store, clusterId)).slice(-options.last)
    const reports = await Promise.all(names.map((name) => keptReport(store, clusterId, name)))
    await context.printRows(
      reports.map(({ signed }) => signed),
      {
        columns: [{ header: 'NAME', value: ({ report }) => reportName(report) }, ...columns],
        name: ({ report }) => reportName(report),
        empty: 'No drills.',
      },
    )
  },
})

const showVerb = defineVerb({
  name: 'show',
  summary: 'show a report that is kept with the backups',
  examples: ['selfmonitor drill show 20261130T104512Z-3fa9c1d2 --source backups'],
  args: { name: required('name of the report, as `drill list` has it') },
  options: {
    source,
    clusterId: placeOptions.clusterId,
    report: text('--report <file>', 'write it to this file'),
    html: htmlOption,
  },
  output: ['table', 'json', 'yaml', 'name'],
  async run(context, { args, options }) {
    const store = await openPlace(context, options.source, '--source')
    const [{ chooseCluster }, { keptReport }] = await Promise.all([
      import('@selfmonitor/backup'),
      import('@selfmonitor/backup/drill'),
    ])
    const kept = await keptReport(store, await chooseCluster(store, options.clusterId ?? null), args.name)
    if (options.report !== undefined) await writeFile(resolve(context.io.cwd, options.report), kept.file)
    await writePage(context, options.html, kept.signed)
    await show(context, kept.signed)
  },
})

const keygen = defineVerb({
  name: 'keygen',
  summary: 'make a pair of Ed25519 keys to sign reports with, and to verify them',
  details:
    'Writes <file> with the private key, readable by its owner only, and <file>.pub with the public one. Keep the private key where\n' +
    'only drills can read it, and give the public one to auditors.',
  examples: ['selfmonitor drill keygen drill-key.pem'],
  args: { file: required('where the private key goes; it must not exist') },
  output: ['table', 'json', 'yaml'],
  async run(context, { args }) {
    const { newSigningKey } = await import('@selfmonitor/backup/drill')
    const { privatePem, publicPem, keyId } = newSigningKey()
    const file = resolve(context.io.cwd, args.file)
    const pub = `${file}.pub`
    const existing = [file, pub].find((path) => existsSync(path))
    if (existing !== undefined) {
      throw new CliError('FILE_EXISTS', `${existing} exists: a key is never replaced.`, {
        hint: 'Choose another name, or delete it when no report was signed with it.',
      })
    }
    await writeFile(file, privatePem, { flag: 'wx', mode: 0o600 })
    await writeFile(pub, publicPem, { flag: 'wx' })
    await context.printThing(
      { privateKey: file, publicKey: pub, keyId },
      { table: () => `private key  ${file}\npublic key   ${pub}\nkey id       ${keyId}\n` },
    )
  },
})

const verifyVerb = defineVerb({
  name: 'verify-report',
  summary: 'check who signed a report, and that nothing of it was changed; needs no cluster and no store',
  details:
    'Exit code 1 when the report is not signed by this key, or was changed. It says also whether the drill passed.',
  examples: ['selfmonitor drill verify-report report.json --key drill-key.pem.pub'],
  args: { file: required('the report, as it was written') },
  options: { key: text('--key <file>', 'the public key') },
  output: ['table', 'json', 'yaml'],
  async run(context, { args, options }) {
    if (options.key === undefined) throw usageError('--key is missing: the public key that verifies the report.')
    const { verifyingKey, verifyReport } = await import('@selfmonitor/backup/drill')
    const key = verifyingKey(readGivenFile(context.io, options.key, '--key'))
    const bytes = await readFile(resolve(context.io.cwd, args.file)).catch((error: Error) => {
      throw usageError(`${args.file} cannot be read: ${error.message}.`)
    })
    const { report, signature } = verifyReport(bytes, key)
    const { id, outcome, startedAt, operator, scenario } = report
    await context.printThing(
      { id, keyId: signature!.keyId, outcome, startedAt, operator, scenario: scenario.id },
      {
        table: () => {
          const { good, bad } = context.colours.stdout
          const drill = `drill ${id} of ${time(Date.parse(startedAt))} by ${operator}, ${scenario.id}`
          return `${good('signed')}: ${drill}, key ${signature!.keyId}\nthe drill ${outcome === 'passed' ? good('passed') : bad('failed')}\n`
        },
      },
    )
  },
})

export const drill: Noun = {
  name: 'drill',
  summary: 'prove that the backups restore: run a drill, and list, show and verify its reports',
  verbs: [run, list, showVerb, keygen, verifyVerb],
}
