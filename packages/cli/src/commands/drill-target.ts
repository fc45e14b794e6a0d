// Where a drill restores to, and the source that it may ask.
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { ClusterPlace, DrillSource, DrillTarget } from '@selfmonitor/backup/drill'
import type { ClusterOptions } from '@selfmonitor/cluster'
import type { Context } from '../framework/context.ts'
import { usageError } from '../framework/errors.ts'

type Account = Pick<ClusterOptions, 'sasl' | 'tls'>

/** Who connects: the name is shown, the rest only compared. */
function accountOf({ sasl, tls }: Account): Pick<ClusterPlace, 'principal' | 'credentials'> {
  const key = typeof tls === 'object' ? tls.key : undefined
  const secrets = [sasl?.username, sasl?.password, key].filter((one) => one !== undefined)
  if (secrets.length === 0) return { principal: null, credentials: null }
  const digest = createHash('sha256')
  for (const secret of secrets) digest.update(`${secret.length}:${secret}`)
  return { principal: sasl?.username ?? 'a client certificate', credentials: digest.digest('hex') }
}

const addressesOf = (bootstrapServers: string): string[] => bootstrapServers.split(',').map((one) => one.trim())

/** A broker in this process, on a free port of loopback, with a folder that is removed with it. */
export async function embeddedTarget(context: Context, folder: string | undefined): Promise<DrillTarget> {
  const [{ startBroker }, { connectCluster }] = await Promise.all([
    import('@selfmonitor/broker'),
    import('@selfmonitor/cluster'),
  ])
  const parent = folder === undefined ? undefined : resolve(context.io.cwd, folder)
  if (parent !== undefined) await mkdir(parent, { recursive: true })
  const dataDir = parent === undefined ? undefined : await mkdtemp(join(parent, 'selfmonitor-drill-'))
  const broker = await startBroker({ dataDir })
  const { bootstrapServers } = broker
  const cluster = connectCluster({ bootstrapServers, timeoutMs: context.settings.timeoutMs })
  return {
    kind: 'embedded',
    cluster,
    connection: { bootstrapServers, timeoutMs: context.settings.timeoutMs },
    place: { addresses: addressesOf(bootstrapServers), principal: null, credentials: null },
    async close() {
      await cluster.close()
      await broker.close()
      if (dataDir !== undefined) await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/**
 * The cluster of `--into` and `--into-config`.
 * @throws CliError USAGE, ClusterError INVALID_CLIENT_PROPERTIES
 */
export async function namedTarget(
  context: Context,
  into: string | undefined,
  config: string | undefined,
): Promise<DrillTarget> {
  const { connectCluster, loadClientProperties } = await import('@selfmonitor/cluster')
  const file = config === undefined ? undefined : loadClientProperties(resolve(context.io.cwd, config)).options
  const bootstrapServers = into ?? file?.bootstrapServers
  if (bootstrapServers === undefined) {
    throw usageError(`--into-config ${config} has no bootstrap.servers.`, 'Add it, or pass --into host:port.')
  }
  const { sasl, tls } = file ?? {}
  const connection = { bootstrapServers, sasl, tls, timeoutMs: context.settings.timeoutMs }
  const cluster = connectCluster({ ...connection, clientId: 'selfmonitor-drill' })
  return {
    kind: 'cluster',
    cluster,
    connection,
    place: { addresses: addressesOf(bootstrapServers), ...accountOf({ sasl, tls }) },
    close: () => cluster.close(),
  }
}

/** The source, where an option, a variable, a file or `up` names it, and it answers and is the cluster of the backup. */
export async function reachableSource(context: Context, clusterId: string): Promise<DrillSource | null> {
  const { settings } = context
  const named = addressOf(context)
  if (named === null) return null
  try {
    const cluster = await context.cluster()
    const found = await cluster.info()
    if (found.clusterId === clusterId) {
      return { cluster, place: { addresses: addressesOf(named), ...accountOf(settings.security) } }
    }
    context.note(`${named} is cluster ${found.clusterId}, and the backup is of ${clusterId}: the source is not asked.`)
  } catch (error) {
    context.note(`The source is not asked, ${named} cannot be reached: ${(error as Error).message}`)
  }
  return null
}

/** null: only the default is left, which may be any cluster. */
function addressOf({ settings }: Context): string | null {
  try {
    const { value, origin } = settings.bootstrapServers
    return origin === 'default' ? null : value
  } catch {
    // Several platforms run here, or the one that ran has stopped.
    return null
  }
}
