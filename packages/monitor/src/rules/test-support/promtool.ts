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

/** Runs tests by promtool, those of an alert with its rule and the recordings only. @returns what it printed, null when all pass */
export async function testRules(rules: RuleFile, tests: readonly RuleTest[]): Promise<string | null> {
  const files = [...Map.groupBy(tests, (test) => test.alert)].flatMap(([alert, ofAlert]): [string, object][] => [
    [`${alert}.rules.yaml`, only(rules, alert)],
    [`${alert}.yaml`, testFile(`${alert}.rules.yaml`, ofAlert)],
  ])
  return await promtool(Object.fromEntries(files), (name) => !name.endsWith('.rules.yaml'))
}

/** The same with all rules at once, for tests that share them. */
export const testRulesTogether = (rules: RuleFile, tests: readonly RuleTest[]): Promise<string | null> =>
  promtool({ 'rules.yaml': rules, 'tests.yaml': testFile('rules.yaml', tests) }, (name) => name === 'tests.yaml')

/** Tests with the same series are one for promtool. */
function testFile(rules: string, tests: readonly RuleTest[]): object {
  return {
    rule_files: [rules],
    evaluation_interval: '1m',
    tests: [...Map.groupBy(tests, (test) => test.case.given)].map(([given, same]) => ({
      name: same.map((test) => `${test.alert} ${test.case.name}`).join('; '),
      interval: '1m',
      input_series: inputOf(given),
      alert_rule_test: same.map((test) => ({
        eval_time: test.case.at,
        alertname: test.alert,
        exp_alerts: test.case.fires.map(({ labels, summary }) => ({
          exp_labels: { ...labels, ...test.labels },
          ...(summary === undefined ? {} : { exp_annotations: { summary } }),
        })),
      })),
    })),
  }
}

const inputOf = (given: Readonly<Record<string, string>>) =>
  Object.entries(given).map(([series, values]) => ({ series, values }))

/** Has promtool check rules. (Debian's does not read standard input.) @returns what it printed, null when they are accepted */
export const checkRules = (rules: RuleFile, ...options: readonly string[]): Promise<string | null> =>
  inFolder({ 'rules.yaml': rules }, ['check', 'rules', ...options, 'rules.yaml'])

/** Writes files and has promtool run those that are tests. */
const promtool = (files: Readonly<Record<string, object>>, isTest: (name: string) => boolean): Promise<string | null> =>
  inFolder(files, ['test', 'rules', ...Object.keys(files).filter(isTest)])

async function inFolder(files: Readonly<Record<string, object>>, args: readonly string[]): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'selfmonitor-rules-'))
  try {
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), stringify(content))
    const { exitCode, stdout, stderr } = await runMonitoringTool('promtool', args, { cwd: folder })
    return exitCode === 0 ? null : `${stdout}${stderr}`
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function only(rules: RuleFile, alert: string): RuleFile {
  const groups = rules.groups.map((group) => ({
    ...group,
    rules: group.rules.filter((rule) => rule.alert === undefined || rule.alert === alert),
  }))
  return { groups: groups.filter((group) => group.rules.length > 0) }
}

/** Evaluates expressions over recorded series by promtool. @returns what it printed, null when all have these samples */
export async function testExpressions(
  rules: RuleFile,
  given: Readonly<Record<string, string>>,
  expected: readonly {
    readonly at: string
    readonly expression: string
    readonly samples: Readonly<Record<string, number>>
  }[],
): Promise<string | null> {
  const test = {
    interval: '1m',
    input_series: inputOf(given),
    promql_expr_test: expected.map(({ at, expression, samples }) => ({
      expr: expression,
      eval_time: at,
      exp_samples: Object.entries(samples).map(([labels, value]) => ({ labels, value })),
    })),
  }
  const tests = { rule_files: ['rules.yaml'], evaluation_interval: '1m', tests: [test] }
  return await promtool({ 'rules.yaml': rules, 'tests.yaml': tests }, (name) => name === 'tests.yaml')
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
