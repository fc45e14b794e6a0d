// Cases of alerts as `promtool test rules` reads them.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { runMonitoringTool } from '../../../../../test/support/prometheus.ts'
import type { AlertCase } from '../alert.ts'
import type { RuleFile } from '../prometheus.ts'

/** One test of an alert: what fires has these labels, and these texts unless the rules have none. */
export interface RuleTest {
  readonly alert: string
  readonly case: AlertCase
  readonly labels: Readonly<Record<string, string>>
}

/** Runs tests by promtool, each with the rule of its alert and the recordings only. @returns what it printed, null when all pass */
export async function testRules(rules: RuleFile, tests: readonly RuleTest[], interval = '1m'): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'selfmonitor-rules-'))
  const files: string[] = []
  try {
    for (const [alert, ofAlert] of Map.groupBy(tests, (test) => test.alert)) {
      await writeFile(join(folder, `${alert}.rules.yaml`), stringify(only(rules, alert)))
      await writeFile(
        join(folder, `${alert}.yaml`),
        stringify({
          rule_files: [`${alert}.rules.yaml`],
          evaluation_interval: interval,
          tests: ofAlert.map(promtoolTest),
        }),
      )
      files.push(`${alert}.yaml`)
    }
    const { exitCode, stdout, stderr } = await runMonitoringTool('promtool', ['test', 'rules', ...files], {
      cwd: folder,
    })
    return exitCode === 0 ? null : `${stdout}${stderr}`
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function promtoolTest(test: RuleTest): object {
  return {
    name: `${test.alert} ${test.case.name}`,
    interval: '1m',
    input_series: Object.entries(test.case.given).map(([series, values]) => ({ series, values })),
    alert_rule_test: [
      {
        eval_time: test.case.at,
        alertname: test.alert,
        exp_alerts: test.case.fires.map(({ labels, summary }) => ({
          exp_labels: { ...labels, ...test.labels },
          ...(summary === undefined ? {} : { exp_annotations: { summary } }),
        })),
      },
    ],
  }
}

function only(rules: RuleFile, alert: string): RuleFile {
  const groups = rules.groups.map((group) => ({
    ...group,
    rules: group.rules.filter((rule) => rule.alert === undefined || rule.alert === alert),
  }))
  return { groups: groups.filter((group) => group.rules.length > 0) }
}

/** The rules with these annotations only: promtool compares all that there are. */
export function withAnnotations(rules: RuleFile, keep: readonly string[]): RuleFile {
  return {
    groups: rules.groups.map((group) => ({
      ...group,
      rules: group.rules.map(({ annotations, ...rule }) => {
        const kept = Object.entries(annotations ?? {}).filter(([name]) => keep.includes(name))
        return { ...rule, ...(kept.length === 0 ? {} : { annotations: Object.fromEntries(kept) }) }
      }),
    })),
  }
}
