// An embedded broker in a process of its own, so that a test can kill it: `node broker-process.ts <dataDir> <port>`.
import { startBroker } from '@selfmonitor/broker'

const [dataDir, port, ...config] = process.argv.slice(2)

const log = (level: string) => (context: object, message: string) =>
  process.stderr.write(`${JSON.stringify({ level, message, ...context }, printable)}\n`)

function printable(_: string, value: unknown): unknown {
  if (value instanceof Error) return value.stack
  return typeof value === 'bigint' ? String(value) : value
}

const broker = await startBroker({
  dataDir,
  port: Number(port),
  config: Object.fromEntries(config.map((entry) => entry.split('=') as [string, string])),
  logger: { debug: () => {}, info: log('info'), warn: log('warn'), error: log('error') },
})
process.stdout.write(`${broker.bootstrapServers}\n`)
process.on('SIGTERM', () => void broker.close().then(() => process.exit(0)))
