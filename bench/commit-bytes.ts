// `node --conditions=source bench/commit-bytes.ts`: how many bytes a commit of one partition's offset adds to
// `__consumer_offsets` of the embedded broker, which does not compact. Bytes, not times: the result is the same on every machine.
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from '@selfmonitor/broker'
import { Kafka, logLevel } from 'kafkajs'

const commits = 1000
const [topic, groupId] = ['transaction.events', 'fraud-detection']
const dataDir = mkdtempSync(join(tmpdir(), 'commit-bytes-'))
const broker = await startBroker({ dataDir })
const kafka = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING })
const producer = kafka.producer()
await producer.connect()
await producer.send({ topic, messages: [{ value: 'one' }] })

const consumer = kafka.consumer({ groupId })
await consumer.connect()
await consumer.subscribe({ topics: [topic], fromBeginning: true })
await new Promise<void>((resolve) => {
  void consumer.run({ autoCommit: false, eachMessage: async () => resolve() })
})
const before = offsetsBytes()
for (let n = 1; n <= commits; n++) await consumer.commitOffsets([{ topic, partition: 0, offset: String(n) }])
console.log(`${((offsetsBytes() - before) / commits).toFixed(0)} bytes for a commit of ${groupId} on ${topic}`)

await consumer.disconnect()
await producer.disconnect()
await broker.close()
rmSync(dataDir, { recursive: true })

function offsetsBytes(): number {
  const logs = join(dataDir, 'logs')
  const files = readdirSync(logs, { recursive: true, encoding: 'utf8' })
  return files
    .filter((file) => file.startsWith('__consumer_offsets-') && file.endsWith('.log'))
    .reduce((sum, file) => sum + statSync(join(logs, file)).size, 0)
}
