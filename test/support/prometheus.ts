// Prometheus, Alertmanager and their tools for tests: built by `npm run prometheus` from the modules that prometheus/go.mod and go.sum
// pin, without their web pages; else Debian's packages of a machine that has them.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { run } from '@selfmonitor/apache'
import { buildGo, builtFolder, type GoBuild } from './go.ts'
import { freePorts } from './ports.ts'
import { commandPath } from './tools.ts'

export type MonitoringTool = 'prometheus' | 'promtool' | 'alertmanager' | 'amtool'

const moduleFolder = (name: string): string => fileURLToPath(new URL(`./${name}`, import.meta.url))
const shared = { ldflags: '-s -w', timeoutMs: 1_800_000 } as const

/** Two modules: Prometheus and Alertmanager do not build with each other's dependencies. */
const recipes = [
  {
    ...shared,
    folder: moduleFolder('prometheus'),
    programs: {
      prometheus: 'github.com/prometheus/prometheus/cmd/prometheus',
      promtool: 'github.com/prometheus/prometheus/cmd/promtool',
    },
    // Of the service discoveries only DNS and Kubernetes' are built in, beside files and static lists: the clouds' would double the time.
    tags: ['netgo', 'remove_all_sd', 'enable_dns_sd', 'enable_kubernetes_sd'],
  },
  {
    ...shared,
    folder: moduleFolder('alertmanager'),
    programs: {
      alertmanager: 'github.com/prometheus/alertmanager/cmd/alertmanager',
      amtool: 'github.com/prometheus/alertmanager/cmd/amtool',
    },
    tags: ['netgo'],
    // Its web pages are made by npm, and it does not build without any.
    added: {
      module: 'github.com/prometheus/alertmanager',
      files: { 'ui/app/dist/none.txt': 'This Alertmanager was built without its web pages.\n' },
    },
  },
] as const satisfies readonly GoBuild[]

const debianNames: Readonly<Record<MonitoringTool, string>> = {
  prometheus: 'prometheus',
  promtool: 'promtool',
  alertmanager: 'prometheus-alertmanager',
  amtool: 'amtool',
}

/**
 * Builds what is not in the cache.
 * @returns null, or why they cannot be had here
 * @throws Error when what was fetched does not build
 */
export async function buildPrometheus(progress: (line: string) => void): Promise<string | null> {
  for (const recipe of recipes) {
    const built = await buildGo(recipe, progress)
    if ('missing' in built) return built.missing
  }
  return null
}

/** Paths of the programs; null where neither the built ones nor Debian's are here. */
export function monitoringTools(): Readonly<Record<MonitoringTool, string>> | null {
  const found: [string, string][] = []
  for (const recipe of recipes) {
    const built = builtFolder(recipe)
    for (const name of Object.keys(recipe.programs) as MonitoringTool[]) {
      const path = existsSync(built) ? join(built, name) : commandPath(debianNames[name])
      if (path === undefined) return null
      found.push([name, path])
    }
  }
  return Object.fromEntries(found) as Record<MonitoringTool, string>
}

/** Why the programs are not here, null when they are. @throws Error in CI, where they must exist */
export function missingPrometheus(): string | null {
  if (monitoringTools() !== null) return null
  const reason =
    'Prometheus and Alertmanager are neither built (npm run prometheus does it, with Go 1.26) nor installed (prometheus, prometheus-alertmanager)'
  if (process.env.CI) throw new Error(`${reason}; in CI every tool must be installed`)
  return reason
}

function toolPath(tool: MonitoringTool): string {
  const tools = monitoringTools()
  if (tools === null) throw new Error(`${tool} is not here: npm run prometheus builds it`)
  return tools[tool]
}

/** Runs one to its end. */
export const runMonitoringTool = (tool: MonitoringTool, args: readonly string[], options?: Parameters<typeof run>[2]) =>
  run(toolPath(tool), args, { timeoutMs: 120_000, ...options })

export interface MonitoringServer {
  /** `http://127.0.0.1:port` */
  readonly url: string
  readonly port: number
  /** Where its configuration and data are. Removed when it stops. */
  readonly folder: string
  /** Its log. */
  log(): string
  /** Asks its HTTP API; `path` begins with a slash. @throws Error with the answer, unless the status is 200 */
  get<T>(path: string): Promise<T>
  /** Writes files into `folder` and has them read. @throws Error with what the server says of them */
  reload(files: Readonly<Record<string, string>>): Promise<void>
  stop(): Promise<void>
}

export interface ServerOptions {
  /** Texts by path in the server's folder: `prometheus.yml` or `alertmanager.yml`, and what they name. */
  readonly files: Readonly<Record<string, string>>
  /** Default: a free one. */
  readonly port?: number
}

/** Starts Prometheus on loopback and waits until it is ready. `files` has `prometheus.yml`. */
export const startPrometheus = (options: ServerOptions): Promise<MonitoringServer> =>
  startServer('prometheus', options, (folder, address) => [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=${address}`,
    '--web.enable-lifecycle',
    '--log.level=info',
  ])

/** Starts a single Alertmanager on loopback and waits until it is ready. `files` has `alertmanager.yml`. */
export const startAlertmanager = (options: ServerOptions): Promise<MonitoringServer> =>
  startServer('alertmanager', options, (folder, address) => [
    `--config.file=${join(folder, 'alertmanager.yml')}`,
    `--storage.path=${join(folder, 'data')}`,
    `--web.listen-address=${address}`,
    '--cluster.listen-address=',
  ])

async function startServer(
  tool: 'prometheus' | 'alertmanager',
  { files, port }: ServerOptions,
  argumentsOf: (folder: string, address: string) => readonly string[],
): Promise<MonitoringServer> {
  const folder = await mkdtemp(join(tmpdir(), `selfmonitor-${tool}-`))
  const write = async (texts: Readonly<Record<string, string>>): Promise<void> => {
    for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text)
  }
  await write(files)
  const chosen = port ?? (await freePorts(1))[0]!
  const url = `http://127.0.0.1:${chosen}`
  const child = spawn(toolPath(tool), argumentsOf(folder, `127.0.0.1:${chosen}`), { cwd: folder, stdio: 'pipe' })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text))
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const stop = async (): Promise<void> => {
    await endOf(child)
    process.off('exit', kill)
    await rm(folder, { recursive: true, force: true })
  }
  const server: MonitoringServer = {
    url,
    port: chosen,
    folder,
    stop,
    log: () => said,
    async get<T>(path: string) {
      const answer = await fetch(`${url}${path}`)
      const text = await answer.text()
      if (answer.status !== 200) throw new Error(`${tool} ${path}: ${answer.status} ${text}`)
      return JSON.parse(text) as T
    },
    async reload(texts) {
      await write(texts)
      const answer = await fetch(`${url}/-/reload`, { method: 'POST' })
      if (answer.status !== 200) throw new Error(`${tool} refuses its configuration: ${await answer.text()}`)
    },
  }
  for (const deadline = Date.now() + 60_000; ; await delay(50)) {
    const ready = await fetch(`${url}/-/ready`).catch(() => null)
    if (ready?.status === 200) return server
    if (hasEnded(child) || Date.now() > deadline) {
      await stop()
      throw new Error(`${tool} ${hasEnded(child) ? 'has ended' : 'is not ready after a minute'}:\n${said.slice(-4000)}`)
    }
  }
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

/** Ends a child with SIGTERM, and with SIGKILL when it takes longer than 10 seconds. */
async function endOf(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const patience = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await ended
  clearTimeout(patience)
}
