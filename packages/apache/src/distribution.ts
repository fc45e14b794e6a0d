// Gets the Apache Kafka that `pom.xml` pins: Java is found, Maven fetches the jars once into a cache outside the repository.
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ApacheError, unlessInterrupted } from './errors.ts'
import { lastLines, run } from './process.ts'
import type { ApacheOptions, KafkaDistribution } from './types.ts'

/** Kafka 4 brokers and tools need it (KIP-1013). */
const minimumJava = 17

const pomFile = fileURLToPath(new URL('../pom.xml', import.meta.url))

/** Folder of the cache: `SELFMONITOR_CACHE_DIR`, else the user's cache folder (XDG Base Directory Specification). */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  return env.SELFMONITOR_CACHE_DIR ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'selfmonitor')
}

/** The version of Apache Kafka that `pom.xml` pins, or that another pom does. */
export async function pinnedVersion(pom = pomFile): Promise<string> {
  return /<kafka\.version>([^<]+)</.exec(await readFile(pom, 'utf8'))![1]!
}

/** Major version in the output of `java -version`: 17 for `"17.0.15"`, 8 for `"1.8.0_402"`. */
export function javaMajorVersion(output: string): number | null {
  const match = /version "(?:1\.)?(\d+)/.exec(output)
  return match ? Number(match[1]) : null
}

/**
 * Finds a Java that can run Kafka 4: `JAVA_HOME`, else the one on the path.
 * @throws ApacheError JAVA_MISSING, naming what was found instead.
 */
export async function findJava(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const java = env.JAVA_HOME ? join(env.JAVA_HOME, 'bin', 'java') : 'java'
  const remedy = `Install a Java runtime, version ${minimumJava} or newer (Debian: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk), or set JAVA_HOME`
  const result = await run(java, ['-version'], { env }).catch(() => null)
  if (result?.exitCode !== 0) throw new ApacheError('JAVA_MISSING', `Java was not found (tried ${java})`, remedy)
  const major = javaMajorVersion(result.stderr + result.stdout)
  if (major === null || major < minimumJava) {
    throw new ApacheError(
      'JAVA_MISSING',
      `${java} is Java ${major ?? 'of an unknown version'}, Kafka needs ${minimumJava}`,
      remedy,
    )
  }
  return java
}

/**
 * Finds or fetches the pinned Apache Kafka. The jars are copied beside the cache and moved into place when complete,
 * so that an interrupted download never counts as a distribution.
 * @param options.pom another file that pins a version (property `kafka.version`), for a cluster of an older version.
 * @throws ApacheError JAVA_MISSING, MAVEN_MISSING, DOWNLOAD_FAILED or INTERRUPTED.
 */
export async function fetchDistribution(
  options: Pick<ApacheOptions, 'onProgress' | 'signal'> & { env?: NodeJS.ProcessEnv; pom?: string } = {},
): Promise<KafkaDistribution> {
  const env = options.env ?? process.env
  const pom = options.pom ?? pomFile
  const java = await findJava(env)
  const version = await pinnedVersion(pom)
  const libsDir = join(cacheDir(env), 'kafka', version, 'libs')
  if (existsSync(libsDir)) return { version, libsDir, java }

  const maven = await run('mvn', ['--version'], { env }).catch(() => null)
  if (maven?.exitCode !== 0) {
    throw new ApacheError(
      'MAVEN_MISSING',
      'Maven was not found; it fetches Apache Kafka',
      'Install it (Debian: apt-get install maven; macOS: brew install maven)',
    )
  }
  const partial = `${libsDir}.partial-${process.pid}`
  await mkdir(partial, { recursive: true })
  try {
    let jars = 0
    options.onProgress?.({ stage: 'downloading', detail: `Apache Kafka ${version}` })
    const result = await run(
      'mvn',
      [
        '--batch-mode',
        '--file',
        pom,
        'dependency:copy-dependencies',
        '-DincludeScope=runtime',
        `-DoutputDirectory=${partial}`,
      ],
      {
        env,
        signal: options.signal,
        onLine: (line) => {
          const jar = /Downloaded from .*\/([^/ ]+\.jar) /.exec(line)?.[1]
          if (jar) options.onProgress?.({ stage: 'downloading', detail: `${++jars} jars, ${jar}` })
        },
      },
    )
    unlessInterrupted(options.signal)
    if (result.exitCode !== 0) {
      throw new ApacheError(
        'DOWNLOAD_FAILED',
        `Maven could not fetch Apache Kafka ${version}:\n${lastLines(result.stdout.replace(/^(?!\[ERROR\]).*\n/gm, ''), 6)}`,
        'Check that Maven reaches a repository that has org.apache.kafka (settings.xml, proxy), then try again',
      )
    }
    // Another process may have finished first; its jars are the same.
    await rename(partial, libsDir).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  return { version, libsDir, java }
}

/** Path of one jar of the distribution by its artifact's name, `kafka-clients`. */
export async function jarOf(distribution: KafkaDistribution, artifact: string): Promise<string> {
  const name = (await readdir(distribution.libsDir)).find(
    (file) => file.startsWith(`${artifact}-`) && /-\d[^-]*\.jar$/.test(file),
  )
  if (!name)
    throw new ApacheError(
      'DOWNLOAD_FAILED',
      `${artifact} is not among the jars`,
      `Delete ${distribution.libsDir} and try again`,
    )
  return join(distribution.libsDir, name)
}
