// A store's address as a user writes it.
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { keyProblem } from './keys.ts'
import { StoreError } from './store-error.ts'

export type StoreAddress =
  | { readonly kind: 'folder'; readonly address: string; readonly path: string }
  | { readonly kind: 's3'; readonly address: string; readonly bucket: string; readonly prefix: string }

const forms = 'Write a folder (/var/backups/kafka, ./backups) or a bucket of S3 (s3://bucket/prefix).'

/**
 * Reads `/var/backups/kafka`, `backups`, `file:///var/backups/kafka`, `s3://bucket` or `s3://bucket/prefix`. A prefix begins the
 * keys with a `/` between, and may end with a `/` that does not count.
 * @returns `address` is the normal form: an absolute path, or `s3://` without a last `/`
 * @throws StoreError INVALID_ARGUMENT; its message leaves out what may be a password
 */
export function parseAddress(text: string): StoreAddress {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1]?.toLowerCase()
  if (text.trim() === '') throw invalid('the address of a store is empty')
  if (text.includes('\0')) throw invalid('the address of a store has a zero byte')
  if (scheme === undefined) return folder(text)
  if (scheme === 'file') return folder(filePath(text))
  if (scheme === 's3') return bucket(text)
  throw invalid(
    `a store with an address of "${scheme}:" is not supported`,
    `${forms} A folder whose name has a ":" is written with ./ before it.`,
  )
}

function folder(path: string): StoreAddress {
  if (path === '~' || path.startsWith('~/'))
    throw invalid(`"~" in ${path} was not replaced by your shell`, 'Write the whole path, or $HOME.')
  const absolute = resolve(path)
  return { kind: 'folder', address: absolute, path: absolute }
}

function filePath(text: string): string {
  try {
    const url = new URL(text)
    if (/^file:\/\//i.test(text) && url.search === '' && url.hash === '') return fileURLToPath(url)
  } catch {
    // Said below: fileURLToPath refuses the name of another host, and an encoded "/".
  }
  throw invalid(`${text} is not the URL of a local folder`, 'Write it with three slashes: file:///var/backups/kafka')
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
const bucketName = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
const maxPrefixBytes = 200

function bucket(text: string): StoreAddress {
  const rest = /^s3:\/\/(.*)$/is.exec(text)?.[1]
  if (rest === undefined) throw invalid('the address of a bucket begins with s3://', forms)
  // Neither part is repeated in the message: people put passwords there.
  if (rest.includes('@'))
    throw invalid(
      'an address of S3 must not have credentials',
      'Give them as the AWS command line reads them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role.',
    )
  if (/[?#]/.test(rest))
    throw invalid(
      'an address of S3 must not have "?" or "#"',
      'Set the endpoint with AWS_ENDPOINT_URL_S3 and the region with AWS_REGION.',
    )
  const [name = '', ...parts] = rest.replace(/\/$/, '').split('/')
  if (!bucketName.test(name)) {
    throw invalid(
      `${JSON.stringify(name)} is not a valid name of a bucket`,
      'It has 3 to 63 characters of a-z 0-9 . - as in s3://bucket/prefix.',
    )
  }
  const prefix = parts.join('/')
  const problem = prefix === '' ? null : keyProblem(prefix)
  if (problem !== null) throw invalid(`${JSON.stringify(prefix)} is not a valid prefix: ${problem}`)
  if (prefix.length > maxPrefixBytes) throw invalid(`the prefix is longer than ${maxPrefixBytes} characters`)
  return { kind: 's3', address: `s3://${[name, ...parts].join('/')}`, bucket: name, prefix: prefix && `${prefix}/` }
}

function invalid(message: string, hint = forms): StoreError {
  return new StoreError('INVALID_ARGUMENT', message, { hint })
}
