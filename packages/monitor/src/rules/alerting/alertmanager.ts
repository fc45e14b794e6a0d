// Alertmanager's configuration from platform.yaml: which alert goes to whom. Pure. It contains the file names of secrets, never a secret.
import type { Platform, PlatformOwner } from '@selfmonitor/platform'
import { anyOf, quoted } from '../../metrics/promql.ts'
import { alerts } from '../alerts/index.ts'
import { burnAlerts } from '../objectives/rules.ts'

export interface AlertmanagerOptions {
  /** Folder in which Alertmanager finds the files with its secrets. Default `/etc/alertmanager/secrets`. */
  readonly secretsDir?: string
}

export interface Route {
  readonly receiver: string
  readonly matchers?: readonly string[]
  readonly group_by?: readonly string[]
  readonly group_wait?: string
  readonly group_interval?: string
  readonly repeat_interval?: string
  readonly routes?: readonly Route[]
}

export interface AlertmanagerConfig {
  readonly global: Readonly<Record<string, unknown>>
  readonly templates: readonly string[]
  readonly route: Route
  readonly inhibit_rules: readonly object[]
  readonly receivers: readonly { readonly name: string }[]
}

/** The file of texts that the configuration reads, beside it. */
export const templateFile = 'alertmanager.tmpl'

/** Texts of messages: a title by group, and a line for each alert with its links. */
export const alertmanagerTemplates = `{{ define "selfmonitor.title" -}}
[{{ .Status | toUpper }}{{ if eq .Status "firing" }} {{ .Alerts.Firing | len }}{{ end }}] {{ if .CommonLabels.alertname }}{{ .CommonLabels.alertname }}{{ else }}Kafka{{ end }}{{ with .CommonLabels.cluster }} on {{ . }}{{ end }}
{{- end }}

{{ define "selfmonitor.text" -}}
{{ range .Alerts }}{{ if eq .Status "resolved" }}Over: {{ end }}{{ .Annotations.summary }}
{{ with .Annotations.description }}{{ . }}
{{ end }}{{ with or .Annotations.runbook_url .Annotations.runbook }}Runbook: {{ . }}
{{ end }}{{ with .Annotations.console_url }}Console: {{ . }}
{{ end }}
{{ end }}
{{- end }}

{{ define "selfmonitor.slack" -}}
{{ range .Alerts }}{{ if eq .Status "resolved" }}:white_check_mark: {{ end }}{{ .Annotations.summary }}{{ if .Annotations.runbook_url }}  <{{ .Annotations.runbook_url }}|runbook>{{ else }}{{ with .Annotations.runbook }}  {{ . }}{{ end }}{{ end }}{{ with .Annotations.console_url }}  <{{ . }}|console>{{ end }}
{{ end }}
{{- end }}
`

/**
 * The configuration, and which secrets it reads.
 *
 * Critical alerts go to the owner's PagerDuty (the platform's, if the owner has none), Slack and mail; warnings to Slack, or to
 * mail if there is no channel; info is not sent. An alert about a group goes to the owner of its service, one about a topic to the
 * topic's, all others to the platform's.
 *
 * @returns null when the file does not say who gets alerts about the cluster (`alerting.owner`, one of `owners`)
 */
export function alertmanagerConfig(
  platform: Platform,
  options: AlertmanagerOptions = {},
): { readonly config: AlertmanagerConfig; readonly secrets: readonly string[] } | null {
  const { owners = [], alerting } = platform
  const main = owners.find(({ name }) => name === alerting?.owner)
  if (main === undefined) return null
  const secrets = new Set<string>()
  const secret = (name: string): string => {
    secrets.add(name)
    return `${options.secretsDir ?? '/etc/alertmanager/secrets'}/${name}`
  }
  const smtp = alerting?.smtp
  const receivers = owners.flatMap((owner) => receiversOf(owner, main, secret))
  const config: AlertmanagerConfig = {
    global: {
      resolve_timeout: '5m',
      ...(smtp === undefined
        ? {}
        : {
            smtp_smarthost: smtp.smarthost,
            smtp_from: smtp.from,
            ...(smtp.username === undefined
              ? {}
              : { smtp_auth_username: smtp.username, smtp_auth_password_file: secret('smtp-password') }),
          }),
    },
    templates: [templateFile],
    route: {
      receiver: `${main.name}-warning`,
      group_by: ['cluster', 'alertname'],
      group_wait: '30s',
      group_interval: '5m',
      repeat_interval: '4h',
      routes: [
        { receiver: 'none', matchers: ['severity="info"'] },
        ...ownedRoutes(platform, owners),
        // One broken broker is one page, with everything that it breaks.
        {
          receiver: `${main.name}-critical`,
          matchers: ['severity="critical"'],
          group_by: ['cluster'],
          repeat_interval: '1h',
        },
      ],
    },
    inhibit_rules: inhibitRules(),
    receivers: [{ name: 'none' }, ...receivers],
  }
  return { config, secrets: [...secrets] }
}

/** The first that matches is taken: an objective's own owner, then that of the group, then that of the topic. */
function ownedRoutes({ services, topics }: Platform, owners: readonly PlatformOwner[]): Route[] {
  const routeTo = (owner: PlatformOwner, matcher: string): Route => ({
    receiver: `${owner.name}-warning`,
    matchers: ['audience="owner"', matcher],
    group_by: ['cluster', 'alertname', 'group', 'sloth_id'],
    routes: [{ receiver: `${owner.name}-critical`, matchers: ['severity="critical"'], repeat_interval: '1h' }],
  })
  const by = (label: string, ownedOf: (owner: PlatformOwner) => readonly string[]): Route[] =>
    owners.flatMap((owner) => {
      const names = [...new Set(ownedOf(owner))]
      return names.length === 0 ? [] : [routeTo(owner, `${label}${anyOf(names).matcher}`)]
    })
  return [
    ...owners.map((owner) => routeTo(owner, `owner=${quoted(owner.name)}`)),
    ...by('group', ({ name }) => services.filter(({ owner }) => owner === name).map(({ group }) => group)),
    ...by('topic', ({ name }) => topics.filter(({ owner }) => owner === name).map((topic) => topic.name)),
  ]
}

function receiversOf(
  owner: PlatformOwner,
  main: PlatformOwner,
  secret: (name: string) => string,
): { readonly name: string }[] {
  const { name, slack, email = [] } = owner
  const slackConfigs =
    slack === undefined
      ? []
      : [
          {
            channel: slack,
            api_url_file: secret(
              `slack-${slack
                .slice(1)
                .toLowerCase()
                .replaceAll(/[^-._a-z0-9]+/g, '-')}`,
            ),
            send_resolved: true,
            title: '{{ template "selfmonitor.title" . }}',
            text: '{{ template "selfmonitor.slack" . }}',
          },
        ]
  const emailConfigs = email.map((to) => ({
    to,
    send_resolved: true,
    headers: { Subject: '{{ template "selfmonitor.title" . }}' },
    html: '',
    text: '{{ template "selfmonitor.text" . }}',
  }))
  const service = owner.pagerduty ?? main.pagerduty
  const pagerdutyConfigs =
    service === undefined
      ? []
      : [
          {
            routing_key_file: secret(`pagerduty-${service}`),
            send_resolved: true,
            severity: '{{ .CommonLabels.severity }}',
            description: '{{ template "selfmonitor.title" . }}: {{ (index .Alerts 0).Annotations.summary }}',
            details: { alerts: '{{ template "selfmonitor.text" . }}' },
          },
        ]
  const critical = {
    ...configs('pagerduty_configs', pagerdutyConfigs),
    ...configs('slack_configs', slackConfigs),
    ...configs('email_configs', emailConfigs),
  }
  const warning =
    slackConfigs.length > 0 ? configs('slack_configs', slackConfigs) : configs('email_configs', emailConfigs)
  return [
    { name: `${name}-critical`, ...critical },
    // An owner who has PagerDuty alone gets warnings there too.
    { name: `${name}-warning`, ...(Object.keys(warning).length > 0 ? warning : critical) },
  ]
}

const configs = (name: string, list: readonly object[]) => (list.length === 0 ? {} : { [name]: list })

function inhibitRules(): object[] {
  const named = (name: string): string => `alertname=${quoted(name)}`
  const rules = alerts.flatMap(({ name, inhibits }) => {
    if (inhibits === undefined) return []
    const targets =
      inhibits.alerts === 'all'
        ? ['alertname=~"Kafka.+"', `alertname!=${quoted(name)}`]
        : [`alertname${anyOf(inhibits.alerts).matcher}`]
    return [{ source_matchers: [named(name)], target_matchers: targets, equal: inhibits.equal }]
  })
  const [fast, slowly] = burnAlerts
  return [
    ...rules,
    {
      source_matchers: [named(fast.alert)],
      target_matchers: [named(slowly.alert)],
      equal: ['cluster', 'sloth_id'],
    },
  ]
}
