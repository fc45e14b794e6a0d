// Kafka Connect with Apache Kafka's own file sink, beside `selfmonitor backup`: a standalone worker writes a topic's values as lines.
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ToolUnavailable } from '../test/deployment/static/fetch.ts'
import { findJavaPrograms, killed, propertiesText, startJava } from '../test/support/java-ecosystem.ts'

const standaloneWorker = 'org.apache.kafka.connect.cli.ConnectStandalone'
/** As Kafka's own script for it has. */
const heap = ['-Xms256m', '-Xmx2g', '-XX:+UseG1GC']
const longestMs = 300_000

/**
 * @param bytes of all values and their line ends
 * @returns how long the lines took, from the first to the last, in milliseconds: the start of the worker does not count; null where Maven or
 *   a JDK cannot be had
 */
export async function connectSinkMs(bootstrapServers: string, topic: string, bytes: number): Promise<number | null> {
  const programs = await findJavaPrograms().catch((error: unknown) => {
    if (error instanceof ToolUnavailable) return null
    throw error
  })
  if (programs === null) return null
  const folder = await mkdtemp(join(tmpdir(), 'bench-connect-'))
  const file = join(folder, 'lines')
  await writeFile(
    join(folder, 'worker.properties'),
    propertiesText({
      'bootstrap.servers': bootstrapServers,
      'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
      'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
      'offset.storage.file.filename': join(folder, 'offsets'),
      listeners: 'http://127.0.0.1:0',
      'plugin.discovery': 'service_load',
    }),
  )
  await writeFile(
    join(folder, 'sink.properties'),
    propertiesText({
      name: `sink-${topic}`,
      'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector',
      'tasks.max': '1',
      topics: topic,
      file,
    }),
  )
  const worker = startJava(programs, folder, [standaloneWorker, 'worker.properties', 'sink.properties'], heap)
  try {
    const giveUpAt = performance.now() + longestMs
    let startedAt: number | null = null
    for (;;) {
      const size = await stat(file).then(
        (found) => found.size,
        () => 0,
      )
      if (size > 0) startedAt ??= performance.now()
      if (startedAt !== null && size >= bytes) return performance.now() - startedAt
      if (performance.now() > giveUpAt || worker.process.exitCode !== null) {
        throw new Error(`Connect has written ${size} of ${bytes} bytes:\n${worker.output()}`)
      }
      await pause(20)
    }
  } finally {
    await killed(worker)
    await rm(folder, { recursive: true, force: true })
  }
}
