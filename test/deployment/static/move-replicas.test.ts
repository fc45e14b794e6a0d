// move-replicas.sh, with fakes of kubectl and Kafka's tools: its requests, its output, its failures. That Kafka does it is
// proven in the running proof.
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '@selfmonitor/apache'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const script = fileURLToPath(new URL('../../../infra/k8s/kafka/scripts/move-replicas.sh', import.meta.url))
const described = (leader: number, replicas: string) =>
  `\tTopic: a\tPartition: 0\tLeader: ${leader}\tReplicas: ${replicas}\tIsr: ${replicas}\tElr: \tLastKnownElr: \n`

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selfmonitor-move-replicas-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** Runs it on a cluster that is as `before` says, and as `after` once a plan is executed. */
async function move(
  brokers: string,
  before: string,
  after: string,
  generated = 'Current\n{"was":1}\n\nProposed\n{"is":2}\n',
) {
  const programs = {
    kubectl: `#!/bin/bash\nwhile [[ $1 != -- ]]; do shift; done\nshift\nexec "$@"\n`,
    'kafka-topics': `#!/bin/bash
if [[ $* == *--list* ]]; then printf 'a\\nb\\n'; elif [[ -e ${folder}/executed ]]; then cat ${folder}/after; else cat ${folder}/before; fi\n`,
    'kafka-reassign-partitions': `#!/bin/bash
echo "$*" >>${folder}/asked
case "$*" in
  *--list*)
    # What is executed takes until it was looked at twice.
    if [[ -e ${folder}/moving ]]; then echo 'a-0: replicas: 3,0'; rm ${folder}/moving; else echo 'No partition reassignments found.'; fi ;;
  *--generate*) cat ${folder}/generated ;;
  *--execute*) cp /tmp/move-replicas.json ${folder}/executed; touch ${folder}/moving ;;
  *--verify*) echo 'Clearing topic-level throttles on topic a' ;;
esac\n`,
    'kafka-leader-election': `#!/bin/bash\necho "elected $*" >>${folder}/asked\n`,
  }
  await writeFile(join(folder, 'before'), before)
  await writeFile(join(folder, 'after'), after)
  await writeFile(join(folder, 'generated'), generated)
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(join(folder, name), text)
    await chmod(join(folder, name), 0o755)
  }
  const env = { PATH: `${folder}:${process.env.PATH}`, POLL_SECONDS: '0' }
  const result = await run(script, brokers === '' ? [] : [brokers], { env, cwd: folder })
  return { ...result, asked: await readFile(join(folder, 'asked'), 'utf8').catch(() => '') }
}

describe('move-replicas.sh', () => {
  it('executes Kafka’s plan with a throttle, removes the throttle, and keeps the previous assignment', async () => {
    const { exitCode, stdout, stderr, asked } = await move('0,1', described(3, '3,0'), described(1, '1,0'))
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toMatch(
      /^Current assignment: (replicas-before-\d{8}T\d{6}Z\.json)\nReplicas are moving\nClearing topic-level/,
    )
    expect(stdout).toMatch(
      /broker 0: 1 replicas, leads 0\nbroker 1: 1 replicas, leads 1\nNo other broker holds a replica\n$/,
    )
    const [before] = (await readdir(folder)).filter((name) => name.startsWith('replicas-before-'))
    expect(await readFile(join(folder, before!), 'utf8')).toBe('{"was":1}\n')
    expect(await readFile(join(folder, 'executed'), 'utf8')).toBe('{"is":2}\n')
    expect(asked).toMatch(
      /--generate .*--broker-list 0,1\n[\s\S]*--execute .*--throttle 50000000\n[\s\S]*--verify[\s\S]*elected /,
    )
  })

  it('moves nothing when the replicas are in place', async () => {
    const { exitCode, stdout, asked } = await move('0,1', described(0, '1,0'), '')
    expect({ exitCode, moved: asked.includes('--execute') }).toEqual({ exitCode: 0, moved: false })
    expect(stdout).toContain('nothing to move')
  })

  it('moves replicas when one of the given brokers holds none yet', async () => {
    const { exitCode, asked } = await move('0,1,2', described(0, '1,0'), described(0, '0,1,2'))
    expect({ exitCode, moved: asked.includes('--execute') }).toEqual({ exitCode: 0, moved: true })
  })

  it('fails when another broker holds a replica afterwards', async () => {
    const { exitCode, stderr } = await move('0,1', described(3, '3,0'), described(0, '0,13'))
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: 'move-replicas.sh: broker(s) 13 still hold replicas\n',
    })
  })

  it('fails with Kafka’s message when there is no plan', async () => {
    const { exitCode, stderr, asked } = await move('0,1', described(3, '3,0'), '', 'Error: no such broker 1\n')
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining('no such broker 1') })
    expect(asked).not.toContain('--execute')
  })

  it.each(['', '0,', 'all', '0;id'])('refuses %j as brokers', async (brokers) => {
    const { exitCode, stderr, asked } = await move(brokers, '', '')
    expect({ exitCode, stderr, asked }).toEqual({
      exitCode: 2,
      stderr: expect.stringContaining('Usage: move-replicas.sh BROKERS'),
      asked: '',
    })
  })
})
