// `node setup-kafka.ts` after `docker compose up` applies platform.yaml to the cluster in Compose. It runs `selfmonitor setup` with that
// cluster's addresses and accepts the same options (`--env`, `--wait 2m`, `-o json`).
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))
const { KAFKA_PORT = '9092', SCHEMA_REGISTRY_PORT = '8081' } = process.env

const command = ['setup', '--file', path('../../platform.yaml'), '--yes', ...process.argv.slice(2)]
const { status, error } = spawnSync(process.execPath, [path('../../packages/cli/bin/selfmonitor.js'), ...command], {
  stdio: 'inherit',
  env: {
    KAFKA_BOOTSTRAP_SERVERS: `127.0.0.1:${KAFKA_PORT}`,
    SCHEMA_REGISTRY_URL: `http://127.0.0.1:${SCHEMA_REGISTRY_PORT}`,
    ...process.env,
  },
})
if (error) throw error
if (status === 0) console.error('Topics created successfully')
process.exitCode = status ?? 1
