// Servers of S3 that others wrote: versitygw, a gateway to a file system, built with Go, and moto, a server in memory, from PyPI.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3'
import { freePorts } from '../ports.ts'
import { pythonWith } from '../python.ts'
import type { Pair } from '../secure-apache.ts'
import { versitygwProgram } from './versitygw.ts'

export { missingVersitygw } from './versitygw.ts'

export interface S3Server {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** Its data. versitygw has each object as a file at `objects/<bucket>/<key>`. */
  readonly folder: string
  /** A client of Amazon's, to prepare and to look behind the store's back. */
  readonly client: S3Client
  /** Makes a bucket; `locks` is with Object Lock, which has versions too. */
  makeBucket(name: string, kind?: 'plain' | 'versions' | 'locks'): Promise<void>
  log(): string
  stop(): Promise<void>
}

export interface S3ServerKind {
  readonly name: string
  /** @throws Error when it does not start */
  start(options?: { readonly tls?: Pair }): Promise<S3Server>
}

export const versitygw: S3ServerKind = {
  name: 'versitygw',
  start: ({ tls } = {}) =>
    startServer({ tls, region: 'us-east-1' }, async ({ folder, port, files, accessKeyId, secretAccessKey }) => {
      for (const name of ['objects', 'versions']) await mkdir(join(folder, name))
      const own = ['--access', accessKeyId, '--secret', secretAccessKey, '--port', `127.0.0.1:${port}`, '--quiet']
      const secure = files === null ? [] : ['--cert', files.cert, '--key', files.key]
      // Needs extended attributes of users, as ext4, XFS, overlay and newer tmpfs have them. Its mode without them, --sidecar, does not
      // notice that a version was deleted: it refuses to write the key again.
      const backend = ['posix', '--versioning-dir', join(folder, 'versions')]
      return spawn(versitygwProgram(), [...own, ...secure, ...backend, join(folder, 'objects')], {
        stdio: 'pipe',
      })
    }),
}

/** Why moto cannot be had here, or null. @throws Error in CI, where it must be */
export async function missingMoto(): Promise<string | null> {
  const python = await pythonWith('moto')
  return 'missing' in python ? python.missing : null
}

export const moto: S3ServerKind = {
  name: 'moto',
  start: ({ tls } = {}) =>
    startServer({ tls, region: 'us-east-1' }, async ({ port, files }) => {
      const python = await pythonWith('moto')
      if ('missing' in python) throw new Error(python.missing)
      const secure = files === null ? [] : ['-c', files.cert, '-k', files.key]
      return spawn('python3', ['-m', 'moto.server', '-H', '127.0.0.1', '-p', `${port}`, ...secure], {
        stdio: 'pipe',
        env: python.value.env,
      })
    }),
}

interface Starting {
  readonly folder: string
  readonly port: number
  readonly files: Pair | null
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

async function startServer(
  { tls, region }: { readonly tls: Pair | undefined; readonly region: string },
  launch: (starting: Starting) => Promise<ChildProcess>,
): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'selfmonitor-s3-'))
  const files = tls === undefined ? null : { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  if (tls !== undefined && files !== null) {
    await writeFile(files.cert, tls.cert)
    await writeFile(files.key, tls.key, { mode: 0o600 })
  }
  const credentials = {
    accessKeyId: `test${randomBytes(6).toString('hex')}`,
    secretAccessKey: randomBytes(20).toString('hex'),
  }
  const [port = 0] = await freePorts(1)
  const child = await launch({ folder, port, files, ...credentials })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => (said += text))
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const endpoint = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
  const stop = async (): Promise<void> => {
    client.destroy()
    await ended(child)
    process.off('exit', kill)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await listening(child, port, () => said)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    endpoint,
    credentials,
    folder,
    client,
    log: () => said,
    stop,
    async makeBucket(Bucket, kind = 'plain') {
      await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: kind === 'locks' }))
      if (kind !== 'versions') return
      await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
    },
  }
}

async function listening(child: ChildProcess, port: number, log: () => string): Promise<void> {
  for (const deadline = Date.now() + 60_000; ; await delay(50)) {
    // Any answer counts, also a refusal; a server with TLS refuses plain HTTP.
    const answers = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      (error) => error.cause?.code !== 'ECONNREFUSED',
    )
    if (answers) return
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`the server of S3 did not start:\n${log()}`)
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}
