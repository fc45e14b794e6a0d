// Which documents have generated parts, and how such a part is found and replaced:
//
//   <!-- begin api-versions: made by `npm run docs` -->
//   …
//   <!-- end api-versions -->
import { apiVersions, settings } from './broker.ts'
import { ownMetrics } from './broker-metrics.ts'
import { commands, globals } from './commands.ts'
import { eventMetrics } from './events.ts'
import { alertTables, checkTable, metricsTable, panelTables } from './monitoring.ts'
import {
  aclKeys,
  alertingKeys,
  backupKeys,
  configSettings,
  drillKeys,
  fileKeys,
  objectiveKeys,
  ownerKeys,
  serviceKeys,
  topicKeys,
  userKeys,
} from './platform-file.ts'

export type Section = () => string | Promise<string>

export const generatedDocuments: Readonly<Record<string, Readonly<Record<string, Section>>>> = {
  'docs/embedded-broker.md': { metrics: ownMetrics, 'api-versions': apiVersions, settings },
  'docs/platform-file.md': {
    'file-keys': fileKeys,
    'topic-keys': topicKeys,
    'service-keys': serviceKeys,
    'objective-keys': objectiveKeys,
    'backup-keys': backupKeys,
    'drill-keys': drillKeys,
    'owner-keys': ownerKeys,
    'alerting-keys': alertingKeys,
    'user-keys': userKeys,
    'acl-keys': aclKeys,
    'config-settings': configSettings,
  },
  'docs/commands.md': { globals, commands },
  'packages/events/README.md': { metrics: eventMetrics },
  'docs/monitoring.md': { metrics: metricsTable, alerts: alertTables, panels: panelTables, checks: checkTable },
}

/** @throws Error when the document lacks the marks of a section */
export async function replaceSections(text: string, sections: Readonly<Record<string, Section>>): Promise<string> {
  let result = text
  for (const [name, make] of Object.entries(sections)) {
    const begin = `<!-- begin ${name}: made by \`npm run docs\` -->\n`
    const end = `<!-- end ${name} -->`
    const from = result.indexOf(begin)
    const to = result.indexOf(end)
    if (from === -1 || to < from) throw new Error(`the document has no section "${name}" (${begin.trim()})`)
    result = `${result.slice(0, from + begin.length)}\n${(await make()).trim()}\n\n${result.slice(to)}`
  }
  return result
}
