// `node disaster-recovery.ts --source s3://kafka-backups/user.events --target user.events.restored --date 2024-01-01` restores a topic
// from backups, or from the files of an S3 sink connector. It runs `selfmonitor restore` and accepts the same options (`--dry-run` shows
// what would be done). Without KAFKA_BOOTSTRAP_SERVERS the target is the cluster in Compose. Topics that exist are never changed, so
// nothing is asked.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))
const { KAFKA_PORT = '9092', SCHEMA_REGISTRY_PORT = '8081' } = process.env

// In a checkout, and in the image.
const places = ['../../packages/cli/bin/selfmonitor.js', './node_modules/selfmonitor/bin/selfmonitor.js'].map(path)
const program = places.find((place) => existsSync(place))
if (program === undefined) throw new Error(`the selfmonitor command is neither at ${places.join(' nor at ')}`)

const { status, error } = spawnSync(process.execPath, [program, 'restore', '--yes', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: {
    KAFKA_BOOTSTRAP_SERVERS: `127.0.0.1:${KAFKA_PORT}`,
    SCHEMA_REGISTRY_URL: `http://127.0.0.1:${SCHEMA_REGISTRY_PORT}`,
    ...process.env,
  },
})
if (error) throw error
process.exitCode = status ?? 1
