// Malformed frames by the million against the embedded broker: it neither ends, nor swells, nor harms what it holds.
//
// Frames are derived from every API at every version (`support/malformed-frames.ts`). One that cannot be understood ends its
// connection, as in Kafka, and whatever was sent behind it is never read; only frames that the broker took are counted. As
// that makes connections the price of a frame, sockets carry 200,000 of them to a broker in a process of its own, and
// 800,000 more go through the same dispatcher and handlers in this process.
//
// BROKER_FUZZ_SEED says where the random numbers begin, BROKER_FUZZ_FRAMES how many frames there are.
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeRecords, encodeBatch } from '@selfmonitor/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeFrameParser } from '../packages/broker/src/server/frame-parser.ts'
import { type RawClient, rawClient, requestBytes } from '../packages/broker/src/test-support/raw-client.ts'
import { type BrokerChild, startBrokerChild } from './support/broker-child.ts'
import { type DispatcherInProcess, dispatcherInProcess } from './support/dispatcher-in-process.ts'
import { type FrameSource, frameSource } from './support/malformed-frames.ts'
import { seededRandomBelow } from './support/random.ts'
import { residentMb } from './support/resident-memory.ts'

const seed = Number(process.env.BROKER_FUZZ_SEED ?? 20_262)
const frames = Number(process.env.BROKER_FUZZ_FRAMES ?? 1_000_000)
const framesOverSockets = frames / 5

const topic = 'precious.records'
const scratch = { topic: 'fuzz.scratch', group: 'fuzz-group' }
/** Only CreateTopics creates topics, and members that never return do not block others for long. */
const config = { 'auto.create.topics.enable': 'false', 'group.min.session.timeout.ms': '1' }
const value = (at: number) => Buffer.from(`precious ${at}`)

describe(`malformed frames (seed ${seed})`, () => {
  let dataDir: string
  let child: BrokerChild
  let topicId: string
  let source: FrameSource
  let produced = 0

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'selfmonitor-fuzz-'))
    child = await startBrokerChild(dataDir, 0, config)
    const client = await rawClient(child.bootstrapServers)
    const { topics } = await client.call('CreateTopics', 7, {
      topics: [topic, scratch.topic].map((name) => ({ name, numPartitions: 3, replicationFactor: 1 })),
      timeoutMs: 5000,
    })
    client.close()
    topicId = topics[0]!.topicId
    source = frameSource(seededRandomBelow(seed), { ...scratch, topicId: topics[1]!.topicId })
    await expectService()
  })
  afterAll(async () => {
    await child?.kill()
    await rm(dataDir, { recursive: true, force: true })
  })

  /** Everything that was ever produced is there, one more record can be, and nothing happened to the topic. */
  async function expectService(): Promise<void> {
    const client = await rawClient(child.bootstrapServers)
    try {
      const batch = encodeBatch([{ value: value(produced), timestamp: BigInt(Date.now()) }])
      const answer = await client.call('Produce', 9, {
        acks: -1,
        timeoutMs: 5000,
        topicData: [{ name: topic, partitionData: [{ index: 1, records: batch }] }],
      })
      expect(answer.responses[0]!.partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset: BigInt(produced) })
      produced++
      expect(await valuesOf(client)).toEqual(Array.from({ length: produced }, (_, at) => value(at).toString()))
      const { topics } = await client.call('Metadata', 12, { topics: [{ name: topic }] })
      expect(topics).toMatchObject([{ errorCode: 0, name: topic, topicId, partitions: [{}, {}, {}] }])
    } finally {
      client.close()
    }
  }

  async function valuesOf(client: RawClient): Promise<string[]> {
    const wanted = { partition: 1, fetchOffset: 0n, partitionMaxBytes: 1_000_000 }
    const answer = await client.call('Fetch', 11, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1_000_000,
      sessionEpoch: -1,
      topics: [{ topic, partitions: [wanted] }],
    })
    const { records, ...rest } = answer.responses[0]!.partitions[0]!
    expect(rest).toMatchObject({ errorCode: 0, highWatermark: BigInt(produced) })
    const values: string[] = []
    for (let at = 0; at < records!.length; at += 12 + records!.readInt32BE(at + 8)) {
      for (const record of decodeRecords(records!, at)) values.push(record.value!.toString())
    }
    return values
  }

  const logged = (level: string) => child.logLines.filter((line) => line.includes(`"level":"${level}"`))

  it(`over sockets: ${framesOverSockets} frames, pipelined, end connections and nothing else`, {
    timeout: 300_000,
  }, async () => {
    const random = seededRandomBelow(seed + 1)
    const next = () => {
      const kind = random(16)
      return kind < 13 ? source.absurd() : kind < 15 ? source.malformed() : source.garbage()
    }
    const send = async (until: number) => {
      const work = async () => {
        while (taken < until) {
          const more = await pipeline(child.bootstrapServers, Array.from({ length: 16 }, next))
          taken += more
        }
      }
      await Promise.all(Array.from({ length: 32 }, work))
    }
    let taken = 0
    await send(framesOverSockets / 2)
    await expectService()
    const middleMb = residentMb(child.pid)
    await send(framesOverSockets)
    await expectService()
    const endMb = residentMb(child.pid)
    expect(logged('error')).toEqual([])
    expect(endMb).toBeLessThan(600)
    expect(endMb - middleMb).toBeLessThan(100)
  })

  it('false sizes, half frames, silence and slow senders cost the broker nothing', {
    timeout: 120_000,
  }, async () => {
    const beforeMb = residentMb(child.pid)
    const open: Socket[] = []
    const port = Number(child.bootstrapServers.split(':')[1])
    const socketOf = () => {
      const socket = connect(port, '127.0.0.1').on('error', () => {})
      open.push(socket)
      return socket
    }
    const size = (bytes: number) => {
      const prefix = Buffer.alloc(4)
      prefix.writeInt32BE(bytes)
      return prefix
    }
    // A hundred bytes each of frames that claim to have a hundred megabytes.
    for (let n = 0; n < 200; n++) socketOf().write(Buffer.concat([size(104_857_600), Buffer.alloc(100)]))
    for (let n = 0; n < 300; n++) socketOf()
    const slow = Array.from({ length: 50 }, () => ({ socket: socketOf().setNoDelay(true), frame: source.absurd() }))
    const refused = [-1, -0x80000000, 104_857_601, 0x7fffffff].map((bytes) => {
      const socket = socketOf()
      const closed = new Promise((resolve) => socket.once('close', resolve).resume())
      socket.write(Buffer.concat([size(bytes), source.garbage()]))
      return closed
    })
    await Promise.all(refused)
    for (let at = 0; at < 30; at++) {
      for (const { socket, frame } of slow) if (at < frame.length) socket.write(frame.subarray(at, at + 1))
      await expectService()
    }
    expect(residentMb(child.pid) - beforeMb).toBeLessThan(150)
    for (const socket of open) socket.destroy()
    await expectService()
    expect(logged('error')).toEqual([])
  })

  it(`in process: ${frames - framesOverSockets} frames are answered, or refused with a reason`, {
    timeout: 300_000,
  }, async () => {
    const inProcess: DispatcherInProcess = await dispatcherInProcess(join(dataDir, 'in-process'), scratch.topic, config)
    try {
      const random = seededRandomBelow(seed + 2)
      const here = frameSource(random, { ...scratch, topicId: inProcess.topicId })
      const send = async (count: number) => {
        for (let n = 0; n < count; n++) {
          const kind = random(8)
          const frame = kind < 4 ? here.malformed() : kind < 7 ? here.absurd() : here.garbage()
          await inProcess.handle(frame.subarray(4), frame)
        }
      }
      const count = frames - framesOverSockets
      await send(count / 2)
      const middleMb = residentMb(process.pid)
      await send(count / 2)
      expect(residentMb(process.pid) - middleMb).toBeLessThan(200)
      expect(inProcess.unexpected).toEqual([])
      // Some frames are rejected and some are parsed, and no invalid one is accepted.
      expect(inProcess.refused).toBeGreaterThan(count / 5)
      expect(inProcess.answered).toBeGreaterThan(count / 5)
    } finally {
      await inProcess.close()
    }
  })
})

/** Asked last: answers come in order, so its answer says that the broker is through with all frames before it. */
const lastWord = requestBytes('ApiVersions', 0, 0x7a7a7a7a, {})

/**
 * Sends the frames in one piece and waits until the broker is through with them, hangs up, or has been silent for so long that
 * it must be waiting itself (a long poll, a rebalance).
 * @returns how many frames the broker took at least: the answered ones, and the one at which it hung up
 */
function pipeline(address: string, frames: readonly Buffer[]): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  const parser = makeFrameParser(0x7fffffff)
  let taken = 0
  const socket = connect(Number(address.split(':')[1]), '127.0.0.1', () => {
    taken = 1
    socket.write(Buffer.concat([...frames, lastWord]))
  })
  socket.setTimeout(200, () => socket.destroy())
  // A reset: the broker had not read everything when it hung up.
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    for (const answer of parser.push(chunk)) {
      taken++
      if (answer.readInt32BE() !== 0x7a7a7a7a) continue
      taken = frames.length
      socket.destroy()
    }
  })
  socket.on('close', () => resolve(Math.min(taken, frames.length)))
  return promise
}
