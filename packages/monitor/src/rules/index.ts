// What this folder gives to others.
export type { Alert, Audience, Severity as AlertSeverity } from './alert.ts'
export {
  type AlertmanagerConfig,
  type AlertmanagerOptions,
  alertmanagerConfig,
  alertmanagerTemplates,
  type Route,
  templateFile,
} from './alerting/alertmanager.ts'
export { openSlo } from './alerting/openslo.ts'
export { alertGroups, alerts } from './alerts/index.ts'
export { longestPart, type RulePart, ruleParts } from './files.ts'
export { burnAlerts, objectiveRules, promise } from './objectives/rules.ts'
export {
  alertRules,
  type Links,
  prometheusRule,
  type Rule,
  type RuleFile,
  type RuleGroup,
  runbookAnchor,
  runbookPath,
} from './prometheus.ts'
