// The last lines of a run: what failed and what was skipped, by name, and the counts in one plain line.
import { stripVTControlCharacters } from 'node:util'
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
    const counts = { passed: 0, skipped: 0, pending: 0 }
    const failed: string[] = unhandledErrors.map((error) => firstLine(error.message))
    const skipped: string[] = []
    for (const module of modules) {
      // A file that cannot be loaded has no tests: it counts as one that failed.
      for (const error of module.errors().slice(0, 1)) failed.push(failure(module.relativeModuleId, error))
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result()
        const name = `${module.relativeModuleId} > ${test.fullName}`
        if (state === 'failed') failed.push(failure(name, errors[0]))
        else counts[state] += 1
        if (state === 'skipped') skipped.push(name)
      }
      for (const suite of module.children.allSuites()) {
        for (const error of suite.errors().slice(0, 1)) {
          failed.push(failure(`${module.relativeModuleId} > ${suite.fullName}`, error))
        }
      }
    }
    const notRun = counts.skipped + counts.pending
    const lines = ['']
    if (failed.length > 0) lines.push('Failed:', ...failed.map((name) => `  ${name}`))
    if (skipped.length > 0) {
      lines.push('Skipped:', ...skipped.map((name) => `  ${name}`))
      lines.push('because here', ...missingHere(modules).map((reason) => `  ${reason}`))
    }
    lines.push(`${counts.passed} passed, ${failed.length} failed${notRun > 0 ? `, ${notRun} skipped` : ''}`)
    process.stdout.write(`${lines.join('\n')}\n`)
  }
}

function failure(name: string, error: { readonly message: string } | undefined): string {
  return error === undefined ? name : `${name}: ${firstLine(error.message)}`
}

/** @returns at most 200 characters, without the colours of a terminal */
function firstLine(text: string): string {
  return stripVTControlCharacters(text).split('\n', 1)[0]!.slice(0, 200)
}
