// What the files of a backup must look like. They may have been written by another version, or changed by hand.
import { z } from 'zod'
import { accessSchema } from './access-state.ts'
import { type ClusterState, formatName, formatVersion, type Manifest, type Segment } from './types.ts'

const int64 = z
  .string()
  .regex(/^-?\d{1,19}$/, 'a 64-bit number as a string of digits')
  .transform(BigInt)
const count = z.int().nonnegative()
const timeMs = z.int()
const hash = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hexadecimal')
const key = z.string().regex(/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/, 'a key of the backup')
const reference = z.object({ key, sha256: hash })
const place = { topic: z.string(), partition: count }

export const segmentsSchema = z.array(
  z.object({
    ...place,
    topicId: z.string(),
    key,
    from: int64,
    next: int64,
    records: count,
    batches: count,
    transactional: count,
    minTimestampMs: timeMs.nullable(),
    maxTimestampMs: timeMs.nullable(),
    without: z.object({ aborted: count, absent: count }),
    logBytes: count,
    storedBytes: count,
    storedSha256: hash,
  }),
) satisfies z.ZodType<readonly Segment[], unknown>

export const manifestSchema = z.object({
  format: z.literal(formatName),
  version: z.literal(formatVersion),
  number: z.int().positive(),
  tool: z.string(),
  clusterId: z.string(),
  startedAtMs: timeMs,
  cutAtMs: timeMs,
  finishedAtMs: timeMs,
  outOfTime: z.array(z.int().positive()).optional(),
  stopped: z.int().positive().optional(),
  previous: reference.nullable(),
  topics: z.array(
    z.object({
      name: z.string(),
      id: z.string(),
      partitions: z.array(
        z.object({
          partition: count,
          start: int64,
          end: int64,
          records: int64,
          gaps: z.array(z.object({ from: int64, to: int64 })),
          leaderEpoch: z.int(),
          asOfMs: timeMs.nullable().optional(),
        }),
      ),
    }),
  ),
  index: z.array(reference.extend({ segments: count })),
  state: reference,
  schemas: reference.extend({ contentSha256: hash, subjects: count, versions: count }).nullish(),
  lock: z.object({ untilMs: timeMs, mode: z.enum(['governance', 'compliance']) }).optional(),
  recipients: z.array(z.string()),
  straddling: z.array(
    z.object({
      ...place,
      producerId: int64,
      producerEpoch: z.int(),
      from: int64,
      next: int64,
      committedMs: timeMs.nullable(),
      hasOwnEpoch: z.boolean(),
      foundMs: timeMs.optional(),
    }),
  ),
}) satisfies z.ZodType<Manifest, unknown>

export const stateSchema = z.object({
  topics: z.array(
    z.object({
      name: z.string(),
      id: z.string(),
      partitions: count,
      replicationFactor: count,
      config: z.record(z.string(), z.string()),
      timestampType: z.enum(['CreateTime', 'LogAppendTime']),
    }),
  ),
  groups: z
    .array(
      z.object({
        groupId: z.string(),
        type: z.literal('share').optional(),
        offsets: z.array(
          z.object({
            ...place,
            topicId: z.string(),
            next: int64,
            leaderEpoch: z.int().optional(),
            metadata: z.string().optional(),
          }),
        ),
      }),
    )
    .nullable(),
  groupsAtMs: timeMs,
  access: accessSchema.optional(),
  problems: z.array(z.object({ part: z.string(), code: z.string(), message: z.string() })),
}) satisfies z.ZodType<ClusterState, unknown>
