// The journal of dead letters: which letters were sent again or discarded, and which are being sent. Pure: entries in the order of the
// log, which decides between two who want the same letter.
//
// An entry is about a batch of letters, keyed by the batch's id, so that the compacted topic keeps the last one of each. A batch is
// claimed (`sending`, `discarded`) with the offset at which its writer expects the claim, which is the end of the journal as far as it
// has read it. At any other offset the claim counts for nothing, because its writer has not seen what lies before it. So this can
// be told of a claim alone, also after compaction.

/** A letter, by its place in the dead letter topic, and how often it is handled with this time: 1, unless it is sent again on purpose. */
export interface LetterId {
  readonly partition: number
  /** Decimal. */
  readonly offset: string
  readonly round: number
}

interface BatchFacts {
  readonly topic: string
  /** Of the dead letter topic, as Kafka prints it: one that was created again has other letters. */
  readonly topicId: string
  readonly letters: readonly LetterId[]
  /** ISO 8601. */
  readonly at: string
  readonly by: string
}

interface ClaimFacts extends BatchFacts {
  /** The offset in the journal at which the claim holds, decimal. */
  readonly claimedAt: string
}

export interface SendingBatch extends ClaimFacts {
  readonly step: 'sending'
  readonly to: { readonly topic: string; readonly topicId: string; readonly partition: number }
  /** Sent again, the batch has the same producer and sequence number, so that the brokers take it once (KIP-98). */
  readonly producerId: string
  readonly producerEpoch: number
  readonly sequence: number
  /** The end of the target's partition before the batch was sent. */
  readonly searchFrom: string
  readonly timestamps: 'original' | 'now'
  /** The new value in base64 (null: a tombstone), of a batch of one letter. Absent when the letter's own is sent. */
  readonly value?: string | null
}

export interface ReplayedBatch extends BatchFacts {
  readonly step: 'replayed'
  readonly to: { readonly topic: string; readonly partition: number }
  /** Of the first letter in the target; null when the brokers did not say. */
  readonly offset: string | null
  readonly edited: boolean
}

export interface DiscardedBatch extends ClaimFacts {
  readonly step: 'discarded'
  readonly reason: string | null
}

/** A claim that was given up: it was not sent, and will not be. */
export interface VoidBatch {
  readonly step: 'void'
}

export type JournalEntry = SendingBatch | ReplayedBatch | DiscardedBatch | VoidBatch
export type HoldingEntry = Exclude<JournalEntry, VoidBatch>

interface Hold {
  readonly id: string
  readonly round: number
}

export interface Journal {
  readonly batches: Map<string, HoldingEntry>
  /** By `letterKey`. */
  readonly holds: Map<string, Hold>
}

export function emptyJournal(): Journal {
  return { batches: new Map(), holds: new Map() }
}

function letterKey(topicId: string, partition: number, offset: bigint | string): string {
  return `${offset} ${partition} ${topicId}`
}

/**
 * Takes the next entry of the log.
 * @param entry null: the batch was removed
 * @param offset of the entry in the journal
 */
export function applyEntry(journal: Journal, id: string, entry: JournalEntry | null, offset: bigint): void {
  if (entry !== null && isClaim(entry) && BigInt(entry.claimedAt) !== offset) return
  release(journal, id)
  if (entry === null || entry.step === 'void') return
  journal.batches.set(id, entry)
  for (const { partition, offset: of, round } of entry.letters) {
    const key = letterKey(entry.topicId, partition, of)
    if ((journal.holds.get(key)?.round ?? 0) <= round) journal.holds.set(key, { id, round })
  }
}

function isClaim(entry: JournalEntry): entry is SendingBatch | DiscardedBatch {
  return entry.step === 'sending' || entry.step === 'discarded'
}

function release(journal: Journal, id: string): void {
  const known = journal.batches.get(id)
  if (known === undefined) return
  journal.batches.delete(id)
  for (const { partition, offset } of known.letters) {
    const key = letterKey(known.topicId, partition, offset)
    if (journal.holds.get(key)?.id === id) journal.holds.delete(key)
  }
}

/** A letter's last step; undefined for one that waits. */
export function stepOf(
  journal: Journal,
  topicId: string,
  letter: { readonly partition: number; readonly offset: bigint },
): { readonly id: string; readonly round: number; readonly entry: HoldingEntry } | undefined {
  const hold = journal.holds.get(letterKey(topicId, letter.partition, letter.offset))
  const entry = hold === undefined ? undefined : journal.batches.get(hold.id)
  return entry === undefined ? undefined : { ...hold!, entry }
}

/** Batches of a topic that were claimed and have no outcome, those of one producer in the order in which it sent them. */
export function unsettled(journal: Journal, topicId: string): { readonly id: string; readonly batch: SendingBatch }[] {
  return [...journal.batches]
    .flatMap(([id, batch]) => (batch.step === 'sending' && batch.topicId === topicId ? [{ id, batch }] : []))
    .sort((a, b) =>
      a.batch.producerId === b.batch.producerId
        ? a.batch.sequence - b.batch.sequence
        : a.batch.producerId < b.batch.producerId
          ? -1
          : 1,
    )
}

/** How many letters of a topic are in which step. */
export function stepCounts(journal: Journal, topicId: string): Record<HoldingEntry['step'], number> {
  const counts = { sending: 0, replayed: 0, discarded: 0 }
  for (const { id } of journal.holds.values()) {
    const entry = journal.batches.get(id)!
    if (entry.topicId === topicId) counts[entry.step]++
  }
  return counts
}
