// Reading records for people: what the reader notices is said on standard error, and a topic that is deleted meanwhile is named.
import type { Cluster, Isolation, ReadRange, ReadRecord } from '@selfmonitor/cluster'
import type { Context } from '../framework/context.ts'
import { CliError } from '../framework/errors.ts'
import { createDecoder, type Decoder } from './decode.ts'

/** A decoder with the registry in use; one for the whole command. */
export async function openDecoder(context: Context): Promise<Decoder> {
  const [{ createCodec }, registry] = await Promise.all([
    // Not the whole library: reading needs no producer and joins no group.
    import('@selfmonitor/events/codec'),
    context.registry(),
  ])
  return createDecoder(createCodec(registry), registry)
}

/**
 * Reads the ranges in runs, in the order of time, until they end or the command is interrupted. A range without an end waits for
 * brokers, one with an end as long as the command's time limit.
 * @throws CliError TOPIC_DELETED; ClusterError
 */
export async function* readRecords(
  context: Context,
  cluster: Cluster,
  ranges: readonly ReadRange[],
  isolation: Isolation,
): AsyncGenerator<readonly ReadRecord[], void, undefined> {
  const { noticeText } = await import('@selfmonitor/cluster')
  const isFollowing = ranges.some(({ end }) => end === null)
  const policy = isFollowing ? {} : { unavailableMs: context.settings.timeoutMs }
  try {
    for await (const found of cluster.read(ranges, { order: 'time', signal: context.io.signal, policy, isolation })) {
      if (found.kind === 'records') yield found.records
      else context.note(context.colours.stderr.careful(noticeText(found.notice)))
    }
  } catch (error) {
    throw deletedMeanwhile(error, ranges) ?? error
  }
}

/** The topics were there when the reading began. */
function deletedMeanwhile(error: unknown, ranges: readonly ReadRange[]): CliError | undefined {
  const { code, resource, message } = error as { code?: unknown; resource?: unknown; message?: unknown }
  if (code !== 'UNKNOWN_TOPIC_OR_PARTITION' && code !== 'UNKNOWN_TOPIC_ID') return undefined
  const names = [...new Set(ranges.map(({ topic }) => topic))].sort((a, b) => b.length - a.length)
  const topic = names.find((name) => `${resource} ${message}`.includes(name)) ?? names.join(', ')
  return new CliError('TOPIC_DELETED', `${topic} was deleted while it was being read.`, { cause: error })
}
