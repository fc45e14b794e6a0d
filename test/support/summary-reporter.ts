// The last lines of a run: what was skipped, by name, and the counts in one plain line.
import type { Reporter, SerializedError, TestModule } from 'vitest/node'
import { missingKubernetes } from '../deployment/api-server/binaries.ts'
import { missingEngine } from '../deployment/compose/engine.ts'
import { missingForCluster } from '../deployment/running/requirements.ts'
import { missingHelm } from '../deployment/static/helm.ts'
import { missingSchemas } from '../deployment/static/kubernetes-schemas.ts'
import { franzGoClient, missingGoProgram } from './go.ts'
import { missingGrafanaSchemas } from './grafana.ts'
import { missingPrometheus } from './prometheus.ts'
import { missingPython } from './python.ts'
import { versitygwNotBuilt } from './s3/versitygw.ts'
import { missingSmallDisk } from './small-disk.ts'
import { missingTool } from './tools.ts'

/** The missing tools of this machine, each with its remedy if one is known. */
function missingHere(modules: readonly TestModule[]): string[] {
  const apache = modules.map(({ project }) => project.getProvidedContext().apache).find((provided) => provided)
  const reasons = apache && 'missing' in apache ? [apache.missing] : []
  const tools = [
    missingTool('kcat', '-V'),
    missingTool('openssl', 'version'),
    missingTool('docker-compose', 'version'),
    missingPython(),
    missingGoProgram(franzGoClient),
    versitygwNotBuilt(),
    missingGrafanaSchemas(),
    missingHelm(),
    missingSchemas(),
    missingForCluster(),
    missingKubernetes(),
    missingPrometheus(),
    missingSmallDisk(),
    missingEngine([]),
  ]
  return [...new Set([...reasons, ...tools.filter((tool) => tool !== null)])]
}

export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 }
    const skipped: string[] = []
    for (const module of modules) {
      // A file that cannot be loaded has no tests: it counts as one that failed.
      if (module.errors().length > 0) counts.failed += 1
      for (const test of module.children.allTests()) {
        const state = test.result().state
        counts[state] += 1
        if (state === 'skipped') skipped.push(`${module.relativeModuleId} > ${test.fullName}`)
      }
      for (const suite of module.children.allSuites()) counts.failed += suite.errors().length > 0 ? 1 : 0
    }
    const { passed, failed } = counts
    const notRun = counts.skipped + counts.pending
    const lines = ['']
    if (skipped.length > 0) {
      lines.push('Skipped:', ...skipped.map((name) => `  ${name}`))
      lines.push('because here', ...missingHere(modules).map((reason) => `  ${reason}`))
    }
    lines.push(`${passed} passed, ${failed} failed${notRun > 0 ? `, ${notRun} skipped` : ''}`)
    process.stdout.write(`${lines.join('\n')}\n`)
  }
}
