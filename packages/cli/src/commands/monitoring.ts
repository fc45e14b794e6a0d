// `selfmonitor monitoring render`: what Prometheus, Alertmanager and others read, made from platform.yaml.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileProblem } from '@selfmonitor/cluster/file-problem'
import type { Platform } from '@selfmonitor/platform'
import type { Context } from '../framework/context.ts'
import { CliError, exitCodes, usageError } from '../framework/errors.ts'
import { collect } from '../framework/parse.ts'
import { choice, defineVerb, flag, type Noun, text, value } from '../framework/verb.ts'
import { loadPlatformFile } from '../local/platform-file.ts'
import { toJson } from '../output/data.ts'
import { counted } from '../output/format.ts'

const options = {
  file: text('-f, --file <file>', 'platform file (default: the nearest platform.yaml)'),
  to: text('--to <folder>', 'where to write; the folder is created'),
  operator: flag('--operator', 'for the Prometheus operator: prometheusrule.yaml instead of rules.yaml'),
  namespace: text('--namespace <name>', 'of the PrometheusRule'),
  label: value(
    '--label <name=value>',
    'label of the PrometheusRule, by which the operator selects it; repeatable',
    collect,
  ),
  consoleUrl: text('--console-url <url>', 'console that alerts link to (default: the page’s path, and no link)'),
  runbookUrl: text('--runbook-url <url>', 'your copy of docs/runbooks/alerts.md (default: its path, and no link)'),
  secretsDir: text('--secrets-dir <folder>', 'where Alertmanager has its secrets (default: /etc/alertmanager/secrets)'),
  dashboards: choice('--dashboards <form>', 'write the dashboards for Grafana too: classic files, or V2 resources', [
    'classic',
    'v2',
  ]),
  check: flag('--check', 'write nothing; exit code 3 when a file is not up to date'),
} as const

interface RenderOptions {
  readonly operator: boolean
  readonly namespace: string | undefined
  readonly label: readonly string[] | undefined
  readonly consoleUrl: string | undefined
  readonly runbookUrl: string | undefined
  readonly secretsDir: string | undefined
  readonly dashboards: 'classic' | 'v2' | undefined
}

const render = defineVerb({
  name: 'render',
  summary: 'write alert rules, routes, objectives and dashboards as files',
  details:
    'rules.yaml for Prometheus (2.42 or newer), alertmanager.yaml and alertmanager.tmpl for Alertmanager (0.25 or newer),\n' +
    'openslo.yaml for tools that read OpenSLO. Without owners or objectives in platform.yaml their files are left out.\n' +
    'With --dashboards, dashboards/ for Grafana: `classic` for its import page and for provisioning, `v2` for Grafana 13.\n' +
    'No cluster is asked, and no secret is written: the files name those that Alertmanager reads.',
  examples: [
    'selfmonitor monitoring render --to monitoring --env production',
    'selfmonitor monitoring render --to monitoring --operator --namespace kafka --label release=kube-prometheus-stack',
    'selfmonitor monitoring render --to monitoring --check',
  ],
  options,
  output: ['name', 'json'],
  async run(context, { options }) {
    if (options.to === undefined) throw usageError('--to is missing.', 'Name the folder to write to.')
    const labels = labelsOf(options.label)
    const folder = resolve(context.io.cwd, options.to)
    const platform = await loadPlatformFile(context, options.file)
    const { files, secrets, alerts, objectives } = await rendered(platform, { ...options, labels })
    const names = [...files.keys()].map((name) => relative(context.io.cwd, join(folder, name)))
    const differing = [...files].filter(([name, made]) => current(join(folder, name)) !== made).map(([name]) => name)
    if (!options.check) for (const name of differing) write(folder, name, files.get(name)!, options.to)

    if (context.format === 'json') {
      context.out(
        toJson({ environment: platform.environment, files: names, changed: differing, secrets, alerts, objectives }),
      )
    } else {
      context.out(names.map((name) => `${name}\n`).join(''))
    }
    sayWhatIsMissing(context, platform, objectives)
    if (options.check) {
      context.note(differing.length === 0 ? 'Up to date.' : `Not up to date: ${differing.join(', ')}.`)
      return differing.length === 0 ? exitCodes.done : exitCodes.changesPending
    }
    context.note(
      `${counted(alerts, 'alert')}, ${counted(objectives, 'objective')}; environment ${platform.environment}.`,
    )
    if (secrets.length > 0) {
      context.note(
        `Alertmanager reads from ${options.secretsDir ?? '/etc/alertmanager/secrets'}: ${secrets.join(', ')}.`,
      )
    }
  },
})

function sayWhatIsMissing(context: Context, { owners, alerting }: Platform, objectives: number): void {
  const careful = (line: string) => context.note(context.colours.stderr.careful(line))
  if (owners === undefined || alerting?.owner === undefined) {
    const what = owners === undefined ? 'has no owners' : 'names no alerting.owner'
    careful(`platform.yaml ${what}, so alertmanager.yaml is left out.`)
  }
  if (objectives === 0) careful('platform.yaml has no objectives, so openslo.yaml is left out.')
}

/** The texts by file name, in the order in which they are listed. */
async function rendered(
  platform: Platform,
  options: RenderOptions & { readonly labels: Readonly<Record<string, string>> },
) {
  const [monitor, { objectivesOf }, { stringify }] = await Promise.all([
    import('@selfmonitor/monitor'),
    import('@selfmonitor/platform'),
    import('yaml'),
  ])
  const links = { console: options.consoleUrl?.replace(/\/+$/, ''), runbook: options.runbookUrl }
  const objectives = objectivesOf(platform)
  const parts = monitor.ruleParts(objectives, links)
  const groups = parts.flatMap((part) => part.groups)
  const alertmanager = monitor.alertmanagerConfig(platform, { secretsDir: options.secretsDir })
  const head = `# Made by \`selfmonitor monitoring render\` from platform.yaml, environment ${platform.environment}.\n`
  // Lines of an expression stay as they are, and no text is folded.
  const yaml = (document: unknown): string => stringify(document, { lineWidth: 0, aliasDuplicateObjects: false })
  const files = new Map<string, string>()
  if (options.operator) {
    const { namespace, labels } = options
    // Several objects: `kubectl apply` takes none that is larger than an annotation may be.
    const objects = parts.map(({ name, groups: own }) =>
      monitor.prometheusRule({ groups: own }, { name: `selfmonitor-kafka-${name}`, namespace, labels }),
    )
    files.set('prometheusrule.yaml', head + objects.map(yaml).join('---\n'))
  } else {
    files.set('rules.yaml', head + yaml({ groups }))
  }
  if (alertmanager !== null) {
    files.set('alertmanager.yaml', head + yaml(alertmanager.config))
    files.set(monitor.templateFile, monitor.alertmanagerTemplates)
  }
  for (const [name, text] of await dashboardFiles(options.dashboards)) files.set(name, text)
  if (objectives.length > 0) files.set('openslo.yaml', head + monitor.openSlo(objectives).map(yaml).join('---\n'))
  const alerts = groups.flatMap((group) => group.rules).filter(({ alert }) => alert !== undefined).length
  return { files, secrets: alertmanager?.secrets ?? [], alerts, objectives: objectives.length }
}

async function dashboardFiles(form: RenderOptions['dashboards']): Promise<[string, string][]> {
  if (form === undefined) return []
  const { classicDashboard, dashboards, v2Dashboard } = await import('@selfmonitor/monitor/dashboards')
  const made = form === 'classic' ? classicDashboard : v2Dashboard
  return dashboards.map((dashboard) => [join('dashboards', `${dashboard.uid}.json`), toJson(made(dashboard))])
}

/** @throws CliError USAGE when one is not name=value */
function labelsOf(given: readonly string[] = []): Readonly<Record<string, string>> {
  return Object.fromEntries(
    given.map((one) => {
      const at = one.indexOf('=')
      if (at < 1) throw usageError(`--label ${one} is not name=value.`)
      return [one.slice(0, at), one.slice(at + 1)]
    }),
  )
}

/** The file's present text; undefined when there is none. @throws CliError CANNOT_READ */
function current(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    // ENOTDIR: --to is a file, which writing reports.
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw new CliError('CANNOT_READ', `${path} cannot be read: ${fileProblem(error)}.`, { cause: error })
  }
}

/** @throws CliError CANNOT_WRITE */
function write(folder: string, name: string, content: string, shown: string): void {
  try {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  } catch (error) {
    throw new CliError('CANNOT_WRITE', `--to ${shown}: ${fileProblem(error)}.`, {
      hint: 'Name a folder that can be written.',
      exitCode: exitCodes.usage,
      cause: error,
    })
  }
}

export const monitoring: Noun = {
  name: 'monitoring',
  summary: 'write what Prometheus, Alertmanager and Grafana read',
  verbs: [render],
}
