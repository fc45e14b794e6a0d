// A client of S3 for one bucket, and how what is asked of it fails.
import { readFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { getCACertificates } from 'node:tls'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { StoreError } from '../store-error.ts'
import type { StoreSettings } from '../types.ts'
import { s3Error } from './errors.ts'

/** Of an idle connection, in either direction. A server that joins the parts of a large object is silent meanwhile. */
const idleTimeoutMs = 300_000
const connectTimeoutMs = 10_000
const maxAttempts = 5

export interface S3Connection {
  readonly client: S3Client
  readonly bucket: string
  /** `s3://bucket/prefix` */
  readonly address: string
  /**
   * Runs a step against the server.
   * @param doing what is done, such as `write a/b`
   * @throws StoreError, whose message and cause have no credentials
   */
  attempt<T>(doing: string, step: () => Promise<T>): Promise<T>
  /** The error that `attempt` throws. */
  failure(doing: string, error: unknown): Promise<StoreError>
}

/**
 * Connects nothing yet, but reads the settings of the AWS SDK.
 * @throws StoreError INVALID_ARGUMENT
 */
export async function connectS3(address: string, bucket: string, settings: StoreSettings): Promise<S3Connection> {
  const client = await createClient(address, settings)
  const failure = async (doing: string, error: unknown): Promise<StoreError> => {
    const used = await client.config.credentials().catch(() => null)
    const secrets = used === null ? [] : [used.accessKeyId, used.secretAccessKey, used.sessionToken ?? '']
    return s3Error(`${address}: cannot ${doing}`, error, secrets)
  }
  return {
    client,
    bucket,
    address,
    failure,
    async attempt(doing, step) {
      try {
        return await step()
      } catch (error) {
        throw await failure(doing, error)
      }
    },
  }
}

async function createClient(address: string, settings: StoreSettings): Promise<S3Client> {
  const { endpoint, region, forcePathStyle, credentials, caFile = process.env.AWS_CA_BUNDLE } = settings
  if (endpoint !== undefined) checkEndpoint(address, endpoint)
  const config: S3ClientConfig = {
    endpoint,
    region,
    credentials,
    followRegionRedirects: true,
    // Objects are read in pieces, and checked by read.ts.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: connectTimeoutMs,
      socketTimeout: idleTimeoutMs,
      httpsAgent: caFile ? await agentTrusting(address, caFile) : undefined,
    },
    ...(process.env.AWS_MAX_ATTEMPTS === undefined && { maxAttempts }),
  }
  const probe = new S3Client(config)
  const configuredEndpoint = endpoint ?? (await probe.config.serviceConfiguredEndpoint?.())
  const knownRegion = await probe.config.region().catch(() => undefined)
  probe.destroy()
  if (knownRegion === undefined && configuredEndpoint === undefined) {
    throw new StoreError('INVALID_ARGUMENT', `${address}: the region of the bucket is not set`, {
      hint: 'Set AWS_REGION, or a region in the profile.',
    })
  }
  return new S3Client({
    ...config,
    region: knownRegion ?? 'us-east-1',
    forcePathStyle: forcePathStyle ?? configuredEndpoint !== undefined,
  })
}

function checkEndpoint(address: string, endpoint: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null
  const isPlain = url !== null && url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  if (isPlain && (url.protocol === 'https:' || url.protocol === 'http:')) return
  throw new StoreError('INVALID_ARGUMENT', `${address}: the endpoint is not a URL of http or https without a login`, {
    hint: 'Write it as https://s3.example.org:9000.',
  })
}

async function agentTrusting(address: string, caFile: string): Promise<Agent> {
  let certificates: string
  try {
    certificates = await readFile(caFile, 'utf8')
  } catch (error) {
    const message = `${address}: the file of certificate authorities cannot be read: ${(error as Error).message}`
    throw new StoreError('INVALID_ARGUMENT', message, { cause: error })
  }
  if (!certificates.includes('-----BEGIN CERTIFICATE-----'))
    throw new StoreError('INVALID_ARGUMENT', `${address}: ${caFile} has no certificate in PEM`)
  return new Agent({ keepAlive: true, maxSockets: 50, ca: [...getCACertificates('default'), certificates] })
}
