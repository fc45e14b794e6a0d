// Checks a backup without a cluster: the chain of manifests, and that every object is what was written.
import { runInBackground } from './background.ts'
import { BackupError } from './format/backup-error.ts'
import { coverageFindings, type Finding } from './format/coverage.ts'
import { getStored } from './format/documents.ts'
import { manifestNumbers, readIndex, readManifest, readSchemas, readState } from './format/manifests.ts'
import { type BackupStore, canOpen } from './format/sealing.ts'
import { readSegment, readStored } from './format/segments.ts'
import type { Manifest, Segment } from './format/types.ts'

export interface Verification {
  readonly manifests: number
  readonly segments: number
  readonly records: bigint
  readonly storedBytes: number
  /** Segments that are encrypted and of which only the hash was compared, because there is no identity. */
  readonly sealed: number
  readonly findings: readonly Finding[]
}

/** Segments that are read and decompressed at a time: three of the usual size. */
const maxReadBytes = 192 * 1024 * 1024

export interface VerifyOptions {
  /** The backup whose segments are read. Default: the newest, which names all that the earlier ones do of topics that still exist. */
  readonly number?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: { readonly done: number; readonly total: number; readonly bytes: number }) => void
}

/**
 * @returns what is wrong, as far as it can be read; it goes on after a damaged object
 * @throws BackupError NO_BACKUP; StoreError when the store does not answer
 */
export async function verifyBackup(
  store: BackupStore,
  clusterId: string,
  options: VerifyOptions = {},
): Promise<Verification> {
  const numbers = await manifestNumbers(store, clusterId)
  const number = options.number ?? numbers.at(-1)
  if (number === undefined || !numbers.includes(number)) {
    const which = number === undefined ? 'no backup' : `no backup ${number}`
    throw new BackupError('NO_BACKUP', `${store.address} has ${which} of cluster ${clusterId}`)
  }
  const findings: Finding[] = []
  const manifest = await checkChain(store, clusterId, numbers, number, findings)
  const totals = { segments: 0, records: 0n, storedBytes: 0, sealed: 0 }
  if (manifest !== null) await checkContents(store, manifest, findings, totals, options)
  return { manifests: numbers.length, ...totals, findings }
}

/** @returns the manifest with the number, null when it cannot be read */
async function checkChain(
  store: BackupStore,
  clusterId: string,
  numbers: readonly number[],
  wanted: number,
  findings: Finding[],
): Promise<Manifest | null> {
  let found: Manifest | null = null
  let before: { number: number; sha256: string } | null = null
  for (const number of numbers) {
    const read = await attempt(findings, () => readManifest(store, clusterId, number))
    if (read !== null) {
      const { manifest, reference } = read
      const { previous } = manifest
      // The chain may begin later than with 1, because older backups are pruned; behind its beginning none is missing.
      if (before !== null && before.number !== number - 1) {
        findings.push({
          subject: reference.key,
          message: `the backup before it is missing: the chain goes on from ${before.number}`,
        })
      }
      if (before?.number === number - 1 && previous?.sha256 !== before.sha256) {
        const message = `names ${previous?.sha256 ?? 'nothing'} as the hash of the backup before it, which has ${before.sha256}`
        findings.push({ subject: reference.key, message })
      }
      if (manifest.number !== number || manifest.clusterId !== clusterId) {
        findings.push({
          subject: reference.key,
          message: `says that it is backup ${manifest.number} of cluster ${manifest.clusterId}`,
        })
      }
      if (number === wanted) found = manifest
      before = { number, sha256: reference.sha256 }
    }
  }
  return found
}

async function checkContents(
  store: BackupStore,
  manifest: Manifest,
  findings: Finding[],
  totals: { segments: number; records: bigint; storedBytes: number; sealed: number },
  { signal, onProgress }: VerifyOptions,
): Promise<void> {
  const { state, schemas } = manifest
  // Without an identity only the hash of what is stored is compared.
  await attempt<unknown>(findings, () =>
    canOpen(store, state.key) ? readState(store, manifest) : getStored(store, state),
  )
  if (schemas != null)
    await attempt<unknown>(findings, () =>
      canOpen(store, schemas.key) ? readSchemas(store, manifest) : getStored(store, schemas),
    )
  const segments = (await attempt(findings, () => readIndex(store, manifest))) ?? []
  findings.push(...coverageFindings(manifest.topics, segments))
  const reads = runInBackground(maxReadBytes)
  const found: Finding[][] = []
  for (const [at, segment] of segments.entries()) {
    if (signal?.aborted) break
    await reads.add(segment.logBytes + segment.storedBytes, async () => {
      found[at] = await checkSegment(store, segment)
      if (!canOpen(store, segment.key)) totals.sealed++
      totals.segments++
      totals.records += BigInt(segment.records)
      totals.storedBytes += segment.storedBytes
      onProgress?.({ done: totals.segments, total: segments.length, bytes: totals.storedBytes })
    })
  }
  await reads.settled()
  signal?.throwIfAborted()
  findings.push(...found.flat())
}

async function checkSegment(store: BackupStore, segment: Segment): Promise<Finding[]> {
  const findings: Finding[] = []
  // Without an identity the hash of what is stored is compared, and nothing of what is in it.
  if (!canOpen(store, segment.key)) {
    await attempt(findings, () => readStored(store, segment))
    return findings
  }
  const batches = (await attempt(findings, () => readSegment(store, segment))) ?? []
  const records = batches.reduce((sum, { header }) => sum + (header.isControl ? 0 : header.recordsCount), 0)
  if (findings.length === 0 && records !== segment.records) {
    findings.push({ subject: segment.key, message: `has ${records} records, the index says ${segment.records}` })
  }
  return findings
}

async function attempt<T>(findings: Finding[], work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'DAMAGED') throw error
    const [subject] = error.message.split(' in ')
    findings.push({ subject: subject!, message: error.message })
    return null
  }
}
