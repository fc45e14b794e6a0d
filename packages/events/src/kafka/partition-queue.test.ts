// Transcripts: what is done to a queue, line by line, and what it looks like then.

import { createBatchBuilder, noHeaders } from '@selfmonitor/protocol/records'
import { describe, expect, it } from 'vitest'
import {
  expireHead,
  failHead,
  type Identity,
  isMaybeWritten,
  markSent,
  newBatch,
  newQueue,
  type Outcome,
  openBatch,
  type PartitionQueue,
  sealHead,
  settle,
  takeHead,
} from './partition-queue.ts'

const nothing = Buffer.alloc(0)
const first: Identity = { producerId: 1n, epoch: 0 }
const second: Identity = { producerId: 2n, epoch: 0 }
const noAnswer: Outcome = { kind: 'unsettled', written: 'maybe' }
const notWritten: Outcome = { kind: 'unsettled', written: 'no' }
const refused: Outcome = { kind: 'refused', error: 'INVALID_RECORD', reason: 'no', answered: true }

function show(queue: PartitionQueue): string {
  const batches = queue.batches.map((batch) => {
    const { kind } = batch.state
    const seal = batch.state.kind === 'open' ? null : batch.state.seal
    const by = seal === null ? '' : ` as ${seal.identity.producerId}:${seal.sequence}`
    return `${batch.records.count} ${kind}${by}${isMaybeWritten(batch) ? ' maybe' : ''}`
  })
  return `${batches.join(', ') || 'empty'}; next ${queue.identity?.producerId ?? '-'}:${queue.nextSequence}`
}

function setUp(...counts: readonly number[]) {
  const queue = newQueue('t', 0, 1)
  const add = (records: number, at = 0): void => {
    const batch = openBatch(queue) ?? newBatch(createBatchBuilder(), at)
    if (!queue.batches.includes(batch)) queue.batches.push(batch)
    for (let i = 0; i < records; i++) batch.records.append(nothing, -1, nothing, -1, noHeaders, 0)
  }
  const send = (identity: Identity = first): void => {
    takeHead(queue)
    sealHead(queue, queue.identity ?? identity)
    markSent(queue)
  }
  for (const count of counts) add(count)
  return { queue, add, send }
}

describe('a queue of batches', () => {
  it('sends a batch, takes further records into another, and counts their sequence numbers', () => {
    const { queue, add, send } = setUp(3)
    expect(show(queue)).toBe('3 open; next -:0')
    send()
    expect(show(queue)).toBe('3 in flight as 1:0 maybe; next 1:3')
    add(2)
    expect(show(queue)).toBe('3 in flight as 1:0 maybe, 2 open; next 1:3')
    expect(settle(queue, { kind: 'written', baseOffset: 70n }, 0)).toMatchObject({
      kind: 'acknowledged',
      baseOffset: 70n,
    })
    send()
    expect(show(queue)).toBe('2 in flight as 1:3 maybe; next 1:5')
  })

  it('repeats a batch byte for byte, however much is appended meanwhile, after a wait that grows', () => {
    const { queue, add, send } = setUp(1)
    send()
    const { bytes } = (queue.batches[0]!.state as { seal: { bytes: Buffer } }).seal
    const before = Buffer.from(bytes)
    expect(settle(queue, noAnswer, 1000)).toMatchObject({ kind: 'again', startsOver: false })
    expect([show(queue), queue.notBeforeMs]).toEqual(['1 closed as 1:0 maybe; next 1:1', 1050])
    add(1)
    expect(show(queue)).toBe('1 closed as 1:0 maybe, 1 open; next 1:1')
    send()
    expect(sealHead(queue, second)).toEqual(before)
    settle(queue, noAnswer, 2000)
    expect(queue.notBeforeMs).toBe(2100)
  })

  it('takes no more records into a batch that could not even be sealed', () => {
    const { queue, add } = setUp(1)
    takeHead(queue)
    settle(queue, notWritten, 0)
    add(1)
    expect(show(queue)).toBe('1 closed, 1 open; next -:0')
  })

  it('gives the sequence numbers of a batch back that was refused', () => {
    const { queue, add, send } = setUp(5)
    send()
    add(1)
    expect(settle(queue, refused, 0)).toMatchObject({
      kind: 'failed',
      maybeWritten: false,
      reason: 'no; the event has not been written',
    })
    expect(show(queue)).toBe('1 open; next 1:0')
  })

  it('starts over when a batch is given up that may be written', () => {
    const { queue, add, send } = setUp(5)
    send()
    settle(queue, noAnswer, 0)
    add(1)
    expect(failHead(queue, null, 'closed')).toMatchObject({
      maybeWritten: true,
      reason: 'closed; the event may or may not be in the log',
    })
    expect(show(queue)).toBe('1 open; next -:0')
  })

  it('remembers an attempt without an answer when the next one is refused', () => {
    const { queue, send } = setUp(2)
    send()
    settle(queue, noAnswer, 0)
    send()
    expect(settle(queue, refused, 0)).toMatchObject({ kind: 'failed', maybeWritten: true })
  })

  it('trusts an answer that an attempt was not written', () => {
    const { queue, send } = setUp(2)
    send()
    settle(queue, notWritten, 0)
    expect(show(queue)).toBe('2 closed as 1:0; next 1:2')
  })

  it('seals the batch again under another identity when the broker does not know the producer', () => {
    const { queue, send } = setUp(2)
    send()
    expect(settle(queue, { kind: 'identity lost' }, 0)).toMatchObject({ kind: 'again', startsOver: true })
    expect(show(queue)).toBe('2 closed; next -:0')
    send(second)
    expect(show(queue)).toBe('2 in flight as 2:0 maybe; next 2:2')
  })

  it('splits a batch that is too large, unless it may be written or has one record', () => {
    const tooLarge: Outcome = { kind: 'too large', error: 'MESSAGE_TOO_LARGE', reason: 'large' }
    const { queue, send } = setUp(2)
    send()
    expect(settle(queue, tooLarge, 0)).toMatchObject({ kind: 'split' })
    expect(show(queue)).toBe('empty; next 1:0')

    const single = setUp(1)
    single.send()
    expect(settle(single.queue, tooLarge, 0)).toMatchObject({ kind: 'failed', maybeWritten: false })

    const uncertain = setUp(2)
    uncertain.send()
    settle(uncertain.queue, noAnswer, 0)
    uncertain.send()
    expect(settle(uncertain.queue, tooLarge, 0)).toMatchObject({ kind: 'failed', maybeWritten: true })
  })

  it('expires a head by the time of its first record', () => {
    const { queue, add } = setUp()
    add(1, 1000)
    expect(expireHead(queue, 5999, 5000)).toBeUndefined()
    expect(expireHead(queue, 6000, 5000)).toMatchObject({
      maybeWritten: false,
      reason: 'not acknowledged within 5 s; the event has not been written',
    })
  })

  it('wraps sequence numbers from 2^31 - 1 to 0', () => {
    const { queue, send } = setUp(3)
    queue.identity = first
    queue.nextSequence = 0x7fffffff - 1
    send()
    expect(queue.nextSequence).toBe(1)
  })
})
