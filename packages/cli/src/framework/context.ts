// The context of an action: the outside world, the settings, connections that are opened on first use, and ways to print.
import type { Recorder } from '@selfmonitor/audit'
import type { Cluster } from '@selfmonitor/cluster'
import type { RegistryClient } from '@selfmonitor/registry'
import { withoutUser } from '@selfmonitor/registry/url'
import { type Colours, coloursFor } from '../output/colour.ts'
import { type OutputFormat, toJson, toYaml } from '../output/data.ts'
import { shortAddresses } from '../output/format.ts'
import { type Column, renderTable } from '../output/table.ts'
import { visibleLines } from '../output/visible.ts'
import { type AuditEntry, type ChangeReport, openRecorder } from './audited.ts'
import { type ConfirmOptions, confirmChange } from './confirm.ts'
import type { Io } from './io.ts'
import { registryOptions } from './registry-options.ts'
import type { Settings } from './settings.ts'

export interface Context {
  readonly io: Io
  readonly settings: Settings
  readonly format: OutputFormat
  readonly colours: { readonly stdout: Colours; readonly stderr: Colours }
  /** A line for people, on standard error. */
  note(line: string): void
  /** Data, on standard output. */
  out(text: string): void
  /** Prints rows in the format asked for. */
  printRows<Row>(rows: readonly Row[], view: RowsView<Row>): Promise<void>
  /** Prints one thing; `table` renders it for people. */
  printThing(thing: unknown, view: { name?: string; table: () => string }): Promise<void>
  /** Connects on first use; closed when the command ends. */
  cluster(): Promise<Cluster>
  registry(): Promise<RegistryClient>
  /** The line of a preview that says where the change happens: cluster and address, or the registry's address. */
  sayWhere(of: 'cluster' | 'registry'): Promise<void>
  /** The address is only the default one, where another project's platform may listen. Says so once, on standard error. */
  isDefaultAddress(of: 'cluster' | 'registry'): boolean
  /** Says where the change happens, and asks, the way the environment demands. @throws CliError when the answer is no. */
  confirm(change: ConfirmedChange): Promise<void>
  /**
   * Runs a change to a cluster or a registry so that it is recorded: every verb with `mutates` changes through it, after `confirm`.
   * @param change what changes; it may report what it led to. Its result is returned and its error thrown on.
   */
  audited<Result>(entry: AuditEntry, change: (report: ChangeReport) => Promise<Result>): Promise<Result>
  /** The command is about this platform file, which says where changes are recorded. */
  meansPlatformFile(file: string): void
  /** Runs when the command ends, last added first. */
  onEnd(cleanup: () => Promise<void>): void
}

export interface ConfirmedChange {
  readonly what: string
  readonly typedName: string
  /** The target of the change; `said`: a cluster that the preview has named already; `folder`: local files. Default: the cluster. */
  readonly of?: 'cluster' | 'registry' | 'said' | 'folder'
}

export interface RowsView<Row> {
  readonly columns: readonly Column<Row>[]
  /** What `-o name` prints of a row. */
  readonly name: (row: Row) => string
  /** What `-o json` and `-o yaml` print of a row. Default: the row. */
  readonly data?: (row: Row) => unknown
  /** Said on standard error when there are no rows. */
  readonly empty: string
}

export interface ContextOptions {
  readonly io: Io
  readonly settings: Settings
  readonly format: OutputFormat
  readonly colour: boolean
  readonly confirmation: ConfirmOptions
  /** The words after `selfmonitor`, for the audit trail. */
  readonly words: readonly string[]
}

/** A context and the function that closes what it opened. */
export function createContext(options: ContextOptions): { context: Context; end: () => Promise<void> } {
  const { io, settings, format } = options
  const cleanups: (() => Promise<void>)[] = []
  let cluster: Promise<Cluster> | undefined
  let registry: Promise<RegistryClient> | undefined
  let recorder: Promise<Recorder> | undefined
  let platformFile: string | undefined
  const noted = new Set<'cluster' | 'registry'>()
  const colours = {
    stdout: coloursFor(io.stdout, io.env, options.colour),
    stderr: coloursFor(io.stderr, io.env, options.colour),
  }

  const context: Context = {
    io,
    settings,
    format,
    colours,
    note: (line) => io.stderr.write(`${visibleLines(line)}\n`),
    out: (text) => io.stdout.write(text),
    onEnd: (cleanup) => void cleanups.push(cleanup),
    async printRows(rows, view) {
      const data = () => rows.map((row) => view.data?.(row) ?? row)
      if (format === 'json') return io.stdout.write(toJson(data()))
      if (format === 'yaml') return io.stdout.write(await toYaml(data()))
      if (format === 'name') return io.stdout.write(rows.map((row) => `${view.name(row)}\n`).join(''))
      if (rows.length === 0) return io.stderr.write(`${view.empty}\n`)
      const width = io.stdout.isTTY ? io.stdout.columns : undefined
      io.stdout.write(renderTable(rows, view.columns, colours.stdout, width))
    },
    async printThing(thing, view) {
      if (format === 'json') return io.stdout.write(toJson(thing))
      if (format === 'yaml') return io.stdout.write(await toYaml(thing))
      if (format === 'name') return io.stdout.write(view.name === undefined ? '' : `${view.name}\n`)
      io.stdout.write(visibleLines(view.table()))
    },
    isDefaultAddress(of) {
      const { value, origin } = of === 'cluster' ? settings.bootstrapServers : settings.registryUrl
      if (origin !== 'default') return false
      if (!noted.has(of)) {
        noted.add(of)
        const [party, option] = of === 'cluster' ? ['Kafka', '--bootstrap-servers'] : ['Registry', '--registry-url']
        context.note(
          colours.stderr.aside(
            `${party} ${value} is the default, not a platform of this project; ${option} names another.`,
          ),
        )
      }
      return true
    },
    cluster() {
      context.isDefaultAddress('cluster')
      cluster ??= import('@selfmonitor/cluster').then(async ({ connectCluster }) => {
        const connected = await connectCluster({
          ...settings.security,
          bootstrapServers: settings.bootstrapServers.value,
          timeoutMs: settings.timeoutMs,
          clientId: settings.security.clientId ?? 'selfmonitor-cli',
        })
        cleanups.push(() => connected.close())
        return connected
      })
      return cluster
    },
    registry() {
      context.isDefaultAddress('registry')
      registry ??= import('@selfmonitor/registry').then(async ({ createRegistryClient }) =>
        createRegistryClient({ ...(await registryOptions(settings, io.env)), timeoutMs: settings.timeoutMs }),
      )
      return registry
    },
    async sayWhere(of) {
      const where =
        of === 'cluster'
          ? `cluster ${(await (await context.cluster()).info()).clusterId} at ${shortAddresses(settings.bootstrapServers.value)}`
          : `registry ${withoutUser(settings.registryUrl.value)}`
      context.note(colours.stderr.aside(`  on ${where}, environment ${settings.environment.value}`))
    },
    async confirm({ of = 'cluster', ...change }) {
      if (of === 'cluster' || of === 'registry') await context.sayWhere(of)
      const changed = of === 'said' ? 'cluster' : of
      let { what } = change
      if (changed !== 'folder' && context.isDefaultAddress(changed)) {
        const { value } = changed === 'registry' ? settings.registryUrl : settings.bootstrapServers
        what += ` at ${value}, the default, not a platform of this project`
      }
      await confirmChange({ ...change, what }, { ...options.confirmation, io, environment: settings.environment.value })
    },
    meansPlatformFile(file) {
      platformFile = file
    },
    async audited(entry, change) {
      recorder ??= openRecorder({
        io,
        settings,
        platformFile,
        words: options.words,
        note: (line) => context.note(colours.stderr.careful(line)),
        connect: async () =>
          cluster === undefined && settings.bootstrapServers.origin === 'default' ? undefined : await context.cluster(),
        registry: context.registry,
      })
      return await (await recorder).audited(entry, change)
    },
  }

  const end = async (): Promise<void> => {
    await (await recorder?.catch(() => undefined))?.end()
    for (const cleanup of cleanups.reverse()) await cleanup()
  }
  return { context, end }
}
