// A script that changes the cluster ends when its work is done: no timer of the library keeps the process alive.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { afterAll, beforeAll, expect, it } from 'vitest'

const script = `
  import { connectCluster } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
  const cluster = await connectCluster({ bootstrapServers: process.env.BOOTSTRAP })
  await cluster.createTopics([{ name: 'short', partitions: 1, replicationFactor: 1 }])
  await cluster.createPartitions([{ topic: 'short', partitions: 2 }])
  await cluster.deleteTopics(['short'])
  await cluster.close()
  console.log(JSON.stringify(process.getActiveResourcesInfo()))
`

let broker: Broker
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker.close())

it('leaves no timer behind', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=source', '--input-type=module', '--eval', script],
    {
      env: { ...process.env, BOOTSTRAP: broker.bootstrapServers },
    },
  )
  expect(JSON.parse(stdout)).not.toContain('Timeout')
})
