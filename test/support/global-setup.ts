// Before the first test file: one real Apache Kafka for the whole run, or the reason why there is none.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ApacheError, startApache } from '@selfmonitor/apache'
import type { TestProject } from 'vitest/node'
import { wantsApache } from './wants-apache.ts'

/**
 * Starts Apache Kafka with one broker when a test file of this run wants it, or takes the one that `SELFMONITOR_TEST_APACHE` (host:port) names.
 * Without Java or Maven the tests on it are skipped; in CI that is a failure.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.SELFMONITOR_TEST_APACHE
  if (given) {
    project.provide('apache', { bootstrapServers: given })
    return async () => {}
  }
  // Not in Vitest's types. Should it go away, every run starts Apache Kafka, as it would without this.
  const { filenamePattern } = project.vitest as { filenamePattern?: string[] }
  const { testFiles } = await project.globTestFiles(filenamePattern)
  if (!wantsApache(testFiles)) {
    project.provide('apache', { missing: 'no test file of this run wants it' })
    return async () => {}
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'selfmonitor-test-apache-'))
  const remove = () => rm(dataDir, { recursive: true, force: true })
  try {
    const cluster = await startApache({ dataDir, port: 0, heapMb: 512 })
    project.provide('apache', { bootstrapServers: cluster.bootstrapServers })
    return async () => {
      await cluster.close()
      await remove()
    }
  } catch (error) {
    await remove()
    const missing =
      error instanceof ApacheError && ['JAVA_MISSING', 'MAVEN_MISSING', 'DOWNLOAD_FAILED'].includes(error.code)
    if (!missing || process.env.CI) throw error
    project.provide('apache', { missing: error.message })
    return async () => {}
  }
}
