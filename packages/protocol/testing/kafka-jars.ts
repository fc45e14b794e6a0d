// Fetches the jars that hold Kafka's message definitions. Their version is the one our declarations follow, which may be
// newer than the newest Kafka that can be started.
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ApacheError, cacheDir, run } from '@selfmonitor/apache'

export const definitionsVersion = '4.4.0'
const artifacts = ['kafka-clients', 'kafka-group-coordinator'] as const
const copyGoal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'

/**
 * Paths of the jars, fetched by Maven into the cache once.
 * @throws ApacheError MAVEN_MISSING, DOWNLOAD_FAILED
 */
export async function fetchDefinitionJars(): Promise<readonly string[]> {
  const folder = join(cacheDir(), 'kafka-definitions', definitionsVersion)
  const jars = artifacts.map((artifact) => join(folder, `${artifact}-${definitionsVersion}.jar`))
  if (existsSync(folder)) return jars
  const maven = await run('mvn', ['--version']).catch(() => null)
  if (maven?.exitCode !== 0) throw new ApacheError('MAVEN_MISSING', 'Maven was not found', 'Install it')
  const partial = `${folder}.partial-${process.pid}`
  await mkdir(partial, { recursive: true })
  try {
    for (const artifact of artifacts) {
      const coordinates = `org.apache.kafka:${artifact}:${definitionsVersion}`
      const result = await run('mvn', [
        '--batch-mode',
        copyGoal,
        `-Dartifact=${coordinates}`,
        `-DoutputDirectory=${partial}`,
      ])
      if (result.exitCode !== 0) {
        const remedy = 'Check that Maven reaches a repository that has it'
        throw new ApacheError('DOWNLOAD_FAILED', `Maven could not fetch ${coordinates}: ${result.stdout}`, remedy)
      }
    }
    // Another process may have been faster: its jars are the same.
    await rename(partial, folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  return jars
}
