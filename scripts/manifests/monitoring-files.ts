// The chart's files for monitoring: rules, objectives and routes of platform.yaml in production, and the dashboards, made by
// @selfmonitor/monitor. Dashboards are without spaces: Helm keeps the chart and what it renders in one Secret of at most 1 MiB.
import { join } from 'node:path'
import { alertmanagerConfig, alertmanagerTemplates, ruleParts, templateFile } from '@selfmonitor/monitor'
import { classicDashboard, dashboards } from '@selfmonitor/monitor/dashboards'
import { loadPlatform, objectivesOf } from '@selfmonitor/platform'
import { stringify } from 'yaml'
import { type GeneratedFile, root, withoutOthers } from './files.ts'

const folder = 'infra/k8s/kafka/helm/files/monitoring'
const head = '# Made by `npm run manifests` from platform.yaml and packages/monitor; do not edit.\n'
/** Where the chart mounts the Secret with credentials, and the templates. */
const secretsDir = '/etc/selfmonitor/secrets/alertmanager'
const templates = [`/etc/selfmonitor/alertmanager/${templateFile}`]

/** @throws Error when platform.yaml does not say who gets alerts about the cluster */
export async function monitoringFiles(): Promise<GeneratedFile[]> {
  const platform = await loadPlatform(join(root, 'platform.yaml'), { environment: 'production', env: {} })
  const routes = alertmanagerConfig(platform, { secretsDir })
  if (routes === null) throw new Error('platform.yaml has no alerting.owner, one of its owners: add it')
  const yaml = (value: unknown) => head + stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })
  return withoutOthers(folder, [
    ...ruleParts(objectivesOf(platform)).map(({ name, groups }) => ({
      path: `${folder}/rules/${name}.yaml`,
      text: yaml({ groups }),
    })),
    { path: `${folder}/alertmanager.yaml`, text: yaml({ ...routes.config, templates }) },
    { path: `${folder}/${templateFile}`, text: alertmanagerTemplates },
    ...dashboards.map((dashboard) => ({
      path: `${folder}/dashboards/${dashboard.uid.replace(/^selfmonitor-kafka-/, '')}.json`,
      text: `${JSON.stringify(classicDashboard(dashboard))}\n`,
    })),
  ])
}
