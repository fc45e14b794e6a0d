// Python with pinned packages, for tests that use Kafka's clients of that language as their users do. Each environment is a folder
// that pip fills once in the cache outside the repository; it needs pip and nothing else (no venv).
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir, run } from '@selfmonitor/apache'
import { onceInCache, orMissing, ToolUnavailable } from '../deployment/static/fetch.ts'

/**
 * Every environment by its name: the packages with everything that they need, pinned, because pip runs with --no-deps.
 * All come as wheels: no compiler is needed.
 */
const environments = {
  /** Confluent's client around librdkafka 2.3, of 2023. */
  'confluent-kafka-2.3': ['confluent-kafka==2.3.0'],
  'confluent-kafka-2.16': ['confluent-kafka==2.16.1'],
  'kafka-python': [
    'kafka-python==3.0.12',
    'crc32c==2.9.post0',
    'python-snappy==0.7.3',
    'cramjam==2.14.0',
    'lz4==4.4.5',
    'zstandard==0.25.0',
  ],
  /** Confluent's client with its serializers and the registry's client, and `fastavro` for services that write the bytes themselves. */
  'confluent-kafka-avro': [
    'confluent-kafka==2.16.1',
    'fastavro==1.13.1',
    'avro==1.12.2',
    'attrs==26.1.0',
    'authlib==1.9.10',
    'cachetools==8.0.2',
    'certifi==2026.10.19.post1',
    'cffi==2.1.1',
    'charset-normalizer==3.5.3',
    'cryptography==50.0.2',
    'anyio==4.16.0',
    'h11==0.16.0',
    'httpcore2==2.16.2',
    'httpx2==2.16.2',
    'idna==3.20',
    'joserfc==1.8.0',
    'pycparser==3.12',
    'requests==2.34.2',
    'truststore==0.10.5',
    'typing-extensions==4.16.0',
    'urllib3==2.8.0',
  ],
  /** Avro and Parquet files, written and read by libraries of their own. */
  'archive-files': ['fastavro==1.13.1', 'pyarrow==26.0.1', 'cramjam==2.14.0', 'backports-zstd==1.8.0'],
  /** A server of S3, in memory. */
  moto: [
    'moto==5.2.5',
    'awscrt==0.38.1',
    'blinker==1.9.0',
    'boto3==1.44.8',
    'botocore==1.44.8',
    'certifi==2026.10.19.post1',
    'cffi==2.1.1',
    'charset-normalizer==3.5.3',
    'click==8.5.1',
    'cryptography==50.0.2',
    'flask==3.1.3',
    'flask-cors==6.0.5',
    'idna==3.20',
    'itsdangerous==2.2.0',
    'jinja2==3.1.6',
    'jmespath==1.1.0',
    'markupsafe==3.0.4',
    'py-partiql-parser==0.6.3',
    'pycparser==3.12',
    'python-dateutil==2.9.0.post0',
    'pyyaml==6.0.4',
    'requests==2.34.2',
    'responses==0.26.3',
    's3transfer==0.19.3',
    'six==1.17.0',
    'urllib3==2.8.0',
    'werkzeug==3.1.9',
    'xmltodict==1.0.4',
  ],
} as const satisfies Record<string, readonly string[]>

export type PythonEnvironment = keyof typeof environments

/** The newest Python for which an environment's wheels exist; with a newer one its tests are skipped, in CI too: nothing can be installed. */
const newestPython: { readonly [N in PythonEnvironment]?: string } = { 'confluent-kafka-2.3': '3.12' }

export interface Python {
  /** What a process of its own needs: `spawn('python3', …, { env })`. */
  readonly env: NodeJS.ProcessEnv
  /**
   * Runs a script to its end with the environment's packages.
   * @param script path of the file
   * @param timeoutMs the process is killed after it; default two minutes
   * @returns what it printed on standard output
   * @throws Error with everything it printed when it fails
   */
  run(
    script: string,
    args?: readonly string[],
    options?: { timeoutMs?: number; env?: NodeJS.ProcessEnv },
  ): Promise<string>
}

/** `3.11`, or null where there is no Python 3 with pip. */
function pythonVersion(): string | null {
  const { status, stdout } = spawnSync('python3', ['-c', 'import pip, sys; print("%d.%d" % sys.version_info[:2])'], {
    encoding: 'utf8',
  })
  return status === 0 ? stdout.trim() : null
}

/** Why this Python can never have the environment, or null. */
function unsupported(environment: PythonEnvironment, version: string): string | null {
  const newest = newestPython[environment]
  const minor = (text: string) => Number(text.split('.')[1])
  if (newest === undefined || minor(version) <= minor(newest)) return null
  return `${environments[environment][0]} has no wheel for Python ${version}, only up to ${newest}`
}

/** Another pin, or another Python, is another folder. */
function folderOf(environment: PythonEnvironment, version: string): string {
  const pins = createHash('sha256').update(environments[environment].join('\n')).digest('hex').slice(0, 12)
  return join(cacheDir(), 'python', `${environment}-python${version}-${pins}`)
}

/** Says which environments this run could not have, for the list of what was missing; null when all are here. */
export function missingPython(): string | null {
  const version = pythonVersion()
  if (version === null) return 'python3 with pip is not installed'
  const reasons = (Object.keys(environments) as PythonEnvironment[]).flatMap((name) => {
    if (existsSync(folderOf(name, version))) return []
    return unsupported(name, version) ?? `pip could not fetch ${name} for Python ${version}`
  })
  return reasons.length === 0 ? null : reasons.join('; ')
}

/**
 * Python with the packages of an environment, or why it cannot be had here: `describe.skipIf('missing' in python)`.
 * In CI that is a failure.
 */
export async function pythonWith(
  environment: PythonEnvironment,
): Promise<{ readonly value: Python } | { readonly missing: string }> {
  const version = pythonVersion()
  const never = version === null ? null : unsupported(environment, version)
  if (never !== null) return { missing: never }
  return orMissing(async () => {
    if (version === null)
      throw new ToolUnavailable('python3 with pip is not installed (Debian: apt-get install python3-pip)')
    const folder = folderOf(environment, version)
    if (!existsSync(folder)) await onceInCache(folder, (partial) => install(environment, partial))
    return pythonIn(folder)
  })
}

async function install(environment: PythonEnvironment, partial: string): Promise<void> {
  const target = join(partial, 'packages')
  const args = [
    '-m',
    'pip',
    'install',
    '--target',
    target,
    '--no-deps',
    '--only-binary',
    ':all:',
    '--no-compile',
    '--quiet',
  ]
  const result = await run(
    'python3',
    [...args, '--disable-pip-version-check', '--retries', '1', ...environments[environment]],
    { timeoutMs: 300_000 },
  )
  if (result.exitCode !== 0) {
    throw new ToolUnavailable(
      `the Python packages ${environments[environment].join(' ')} could not be installed by pip: ${result.stderr.trim().split('\n').at(-1)}`,
    )
  }
}

function pythonIn(folder: string): Python {
  const own = { PYTHONPATH: join(folder, 'packages'), PYTHONNOUSERSITE: '1' }
  return {
    env: { ...process.env, ...own },
    async run(script, args = [], { timeoutMs = 120_000, env = {} } = {}) {
      const result = await run('python3', ['-u', script, ...args], {
        env: { ...process.env, ...env, ...own },
        timeoutMs,
      })
      if (result.exitCode !== 0) {
        throw new Error(`python3 ${script} ended with ${result.exitCode}:\n${result.stdout}\n${result.stderr}`)
      }
      return result.stdout
    },
  }
}
