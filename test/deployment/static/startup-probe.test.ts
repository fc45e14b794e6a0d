// When a started broker is ready: runs the chart's own probe against a fake Kafka whose answers the test sets.
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '@selfmonitor/apache'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chartFolder } from './render.ts'

const lagging = 'Topic: user.events\tPartition: 4\tLeader: 0\tReplicas: 1,0,2\tIsr: 0,2\tElr: \tLastKnownElr: '
const refused = 'org.apache.kafka.common.errors.SslAuthenticationException: SSL handshake failed'

describe('the startup probe of broker 1', () => {
  let folder: string
  let listener: Server

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selfmonitor-probe-'))
    await mkdir(join(folder, 'run'))
    listener = createServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    // The folders of a pod are those of the test, and the broker's port is the one that is open here.
    for (const name of ['lib.sh', 'kafka-startup-probe.sh']) {
      const text = await readFile(join(chartFolder, 'files/bin', name), 'utf8')
      const { port } = listener.address() as AddressInfo
      await writeFile(
        join(folder, name),
        text.replaceAll('/run/kafka', join(folder, 'run')).replace('port=9092', `port=${port}`),
      )
    }
  })
  afterEach(async () => {
    listener.close()
    await rm(folder, { recursive: true })
  })

  /** Asks once. `since` is how many seconds ago the listener opened, `topics` what kafka-topics is in shell. */
  async function ask(topics: string, since = 0) {
    await writeFile(join(folder, 'kafka-topics'), `#!/bin/sh\n${topics}\n`)
    await chmod(join(folder, 'kafka-topics'), 0o755)
    await writeFile(join(folder, 'run/listening-since'), `${Math.floor(Date.now() / 1000) - since}\n`)
    const env = { PATH: `${folder}:${process.env.PATH}`, POD_NAME: 'kafka-1', NODE_TEMPLATE: 'broker' }
    const script = join(folder, 'kafka-startup-probe.sh')
    return run('bash', [script], { env: { ...env, NODE_IN_SYNC_SECONDS: '600' } })
  }

  it('succeeds when all partitions of this broker are in sync', async () => {
    expect(await ask('')).toMatchObject({ exitCode: 0 })
    expect(await ask(`echo '${lagging.replace('Isr: 0,2', 'Isr: 1,0')}'`)).toMatchObject({ exitCode: 0 })
  })

  it('names the partitions that are not in sync, and succeeds anyway after the time limit', async () => {
    const answer = await ask(`echo '${lagging}'`)
    expect(answer).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('for example user.events-4') })
    expect(await ask(`echo '${lagging}'`, 601)).toMatchObject({ exitCode: 0 })
  })

  it('does not wait for a partition that has no leader to copy from', async () => {
    const leaderless = lagging.replace('Leader: 0', 'Leader: none').replace('Isr: 0,2', 'Isr: 2')
    expect(await ask(`echo '${leaderless}'`)).toMatchObject({ exitCode: 0 })
    const both = await ask(`echo '${leaderless}'; echo '${lagging.replace('Partition: 4', 'Partition: 5')}'`)
    expect(both).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('for example user.events-5') })
  })

  it('succeeds when the cluster has not answered within the time limit', async () => {
    expect(await ask('exit 1')).toMatchObject({ exitCode: 1 })
    expect(await ask('exit 1', 601)).toMatchObject({ exitCode: 0 })
  })

  it.each(['>&2', ''])(
    'never succeeds while the brokers reject its certificate, so that an update stops here (%s)',
    async (where) => {
      const answer = await ask(`echo '${refused}' ${where}; exit 1`)
      expect(answer).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('reject each other') })
      expect(await ask(`echo '${refused}' ${where}; exit 1`, 601)).toMatchObject({ exitCode: 1 })
      // Once it is the right one, it is back.
      expect(await ask('', 601)).toMatchObject({ exitCode: 0 })
    },
  )
})
