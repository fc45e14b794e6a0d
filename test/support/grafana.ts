// Grafana's own schemas, in a small Go program (grafana/main.go) that reads dashboards with the types of its foundation SDK.
import { fileURLToPath } from 'node:url'
import { run } from '@selfmonitor/apache'
import { goProgram, missingGoProgram } from './go.ts'

const folder = fileURLToPath(new URL('./grafana', import.meta.url))

export const missingGrafanaSchemas = (): string | null => missingGoProgram(folder)

/** @returns the program's path, or why it cannot be had here @throws Error in CI, where it must be there */
export async function grafanaSchemas(): Promise<{ readonly value: string } | { readonly missing: string }> {
  const built = await goProgram(folder)
  if ('missing' in built && process.env.CI) throw new Error(`${built.missing}; in CI every tool must be installed`)
  return built
}

/** @returns what Grafana's schemas say against the dashboards in these files, a line for each problem */
export async function schemaProblems(program: string, files: readonly string[]): Promise<string[]> {
  const { exitCode, stdout, stderr } = await run(program, files)
  if (exitCode !== 0 && exitCode !== 1) throw new Error(`${program} ended with ${exitCode}: ${stderr}`)
  return stdout.split('\n').filter((line) => line !== '')
}
