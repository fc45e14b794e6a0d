// Kills a loaded broker with SIGKILL again and again, and counts afterwards: nothing acknowledged is lost, nothing that
// an idempotent producer sent is there twice. The producers are kcat's (librdkafka), which none of us wrote.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { run } from '@selfmonitor/apache'
import { describe, expect, it } from 'vitest'
import { type BrokerChild, startBrokerChild } from './support/broker-child.ts'
import { freePorts } from './support/ports.ts'

import { missingTool } from './support/tools.ts'

const kills = 50
const partitions = 3

/** A kcat that produces numbered records to one partition for as long as it is fed, idempotently, through every crash. */
function startProducer(bootstrapServers: string, topic: string, partition: number) {
  const settings = [
    'enable.idempotence=true',
    'acks=all',
    'message.timeout.ms=120000',
    'retry.backoff.ms=50',
    'reconnect.backoff.max.ms=200',
    'linger.ms=2',
  ]
  const child: ChildProcess = spawn(
    'kcat',
    [
      '-P',
      // A broker that is down is no reason to give up.
      '-E',
      '-b',
      bootstrapServers,
      '-t',
      topic,
      '-p',
      String(partition),
      ...settings.flatMap((setting) => ['-X', setting]),
    ],
    { stdio: ['pipe', 'ignore', 'pipe'] },
  )
  let errors = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  let gone = false
  const exited = (once(child, 'exit') as Promise<[number | null]>).finally(() => {
    gone = true
  })
  // A producer that gives up closes its pipe: its exit code tells.
  child.stdin!.on('error', () => {})
  let sent = 0
  let feeding = true
  const feed = async () => {
    while (feeding && !gone) {
      const lines = Array.from({ length: 40 }, () => `${partition}-${sent++}-${'x'.repeat(200)}\n`).join('')
      if (!child.stdin!.write(lines)) await Promise.race([once(child.stdin!, 'drain'), exited])
      await delay(10)
    }
    child.stdin!.end()
  }
  const fed = feed()
  return {
    get gaveUp() {
      return gone ? errors : null
    },
    /** Stops feeding and waits until every record is acknowledged. */
    async finish(): Promise<{ sent: number; exitCode: number | null; errors: string }> {
      feeding = false
      await fed
      const [exitCode] = await exited
      return { sent, exitCode, errors }
    },
  }
}

async function segmentsOf(dataDir: string, topic: string): Promise<string[]> {
  const files = await readdir(dataDir, { recursive: true })
  return files.filter((file) => file.endsWith('.log') && file.includes(`${topic}-`)).map((file) => join(dataDir, file))
}

async function sizeOnDisk(dataDir: string, topic: string): Promise<number> {
  const sizes = await Promise.all((await segmentsOf(dataDir, topic)).map(async (file) => (await stat(file)).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** Tears the tail of every partition's newest segment: the first bytes of a batch whose rest never reached the disk. */
async function tearTails(dataDir: string, topic: string): Promise<number> {
  let torn = 0
  for (const file of await segmentsOf(dataDir, topic)) {
    const segment = await readFile(file)
    if (segment.length < 61) continue
    await appendFile(file, segment.subarray(0, 40))
    torn += 1
  }
  return torn
}

describe.skipIf(missingTool('kcat', '-V') !== null)('an embedded broker that is killed under load', () => {
  it(`loses nothing and repeats nothing over ${kills} kills`, { timeout: 300_000 }, async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'selfmonitor-crash-'))
    const port = (await freePorts(1))[0]!
    let broker: BrokerChild = await startBrokerChild(dataDir, port, { 'num.partitions': String(partitions) })
    try {
      const { bootstrapServers } = broker
      await run('kcat', ['-L', '-b', bootstrapServers, '-t', 'crash'])
      const producers = Array.from({ length: partitions }, (_, partition) =>
        startProducer(bootstrapServers, 'crash', partition),
      )
      let torn = 0
      let cut = 0
      for (let kill = 0; kill < kills; kill += 1) {
        // Under load: something was written since the restart. Then the moment of the kill varies.
        const before = await sizeOnDisk(dataDir, 'crash')
        while ((await sizeOnDisk(dataDir, 'crash')) === before) {
          expect(producers.map((producer) => producer.gaveUp)).toEqual(producers.map(() => null))
          await delay(5)
        }
        await delay(Math.random() * 150)
        await broker.kill('SIGKILL')
        const tornNow = kill % 10 === 9 ? await tearTails(dataDir, 'crash') : 0
        broker = await startBrokerChild(dataDir, port, { 'num.partitions': String(partitions) })
        torn += tornNow
        if (tornNow > 0) {
          // Logs are checked while requests are served already.
          const reports = () =>
            broker.logLines.filter((line) => /cut|truncat|torn/i.test(line) && line.includes('crash'))
          await expect.poll(() => reports().length, { timeout: 60_000 }).toBeGreaterThanOrEqual(tornNow)
          cut += reports().length
        }
      }
      const results = await Promise.all(producers.map((producer) => producer.finish()))
      for (const { exitCode, errors } of results)
        expect({ exitCode, errors: errors.match(/Delivery failed.*/g) }).toEqual({ exitCode: 0, errors: null })

      for (const [partition, { sent }] of results.entries()) {
        const consumed = await run('kcat', [
          '-C',
          '-b',
          bootstrapServers,
          '-t',
          'crash',
          '-p',
          String(partition),
          '-o',
          'beginning',
          '-e',
          '-q',
        ])
        const numbers = consumed.stdout
          .trimEnd()
          .split('\n')
          .map((line) => Number(line.split('-')[1]))
        expect(sent).toBeGreaterThan(1000)
        expect(numbers.length).toBe(sent)
        // In order, without a gap, none twice.
        expect(numbers.findIndex((number, index) => number !== index)).toBe(-1)
      }
      expect(torn).toBeGreaterThan(0)
      expect(cut).toBeGreaterThanOrEqual(torn)
    } finally {
      await broker.kill('SIGKILL')
      await rm(dataDir, { recursive: true, force: true })
    }
  })
})
