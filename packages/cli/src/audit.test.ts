// The audit trail: commands record what they change, in the topic that SELFMONITOR_AUDIT names.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeBatch } from '@selfmonitor/protocol/records'
import { beforeAll, describe, expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { selfmonitor } from './test-io.ts'
import { liveCommands } from './test-support/live-commands.ts'

const envelope = readFileSync(fileURLToPath(new URL('../../../schemas/audit.events.avsc', import.meta.url)), 'utf8')

describeEngines('changes of a command', (engine) => {
  const live = liveCommands(engine, 'audit')
  const { id, folder } = live
  const trail = `${id}.trail`
  const production = ['--env', 'production']
  const cli = (topic: string, ...words: string[]) =>
    selfmonitor(words, { cwd: folder.path, env: { ...live.env, SELFMONITOR_AUDIT: topic } })
  const exists = async (topic: string): Promise<boolean> =>
    (await live.cluster.listTopics()).some(({ name }) => name === topic)

  describe('in a cluster without the topic of the trail', () => {
    it('are made in development, without a word', async () => {
      const made = await cli(`${id}.none`, 'topics', 'create', `${id}.a`, '--yes')
      expect(made).toMatchObject({ code: 0, stderr: expect.not.stringContaining('ecorded') })
      expect(await exists(`${id}.none`)).toBe(false)
    })

    it('are refused in production, unless a reason is given', async () => {
      const words = ['topics', 'create', `${id}.b`, '--confirm', `${id}.b`, ...production]
      const refused = await cli(`${id}.none`, ...words)
      expect(refused).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/Nothing was changed: this cluster has no topic .*\.none[\s\S]*setup/),
      })
      expect(await exists(`${id}.b`)).toBe(false)
      const without = await cli('none', ...words)
      expect(without).toMatchObject({ code: 2, stderr: expect.stringContaining('neither a topic nor a reason') })
      const made = await cli('none: the trail is being moved', ...words)
      expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining('the trail is being moved') })
    })
  })

  describe('where the platform file says something about the trail', () => {
    const inFolder = (name: string, text: string, env: Record<string, string> = {}) => {
      const cwd = join(folder.path, name)
      mkdirSync(cwd)
      writeFileSync(join(cwd, 'platform.yaml'), text)
      return (...words: string[]) => selfmonitor(words, { cwd, env: { ...live.env, ...env } })
    }
    const create = (name: string) => ['topics', 'create', name, '--confirm', name, ...production]

    it('are made without it for the reason there, which is said in production', async () => {
      const run = inFolder('without', 'environments: { production: { audit: { none: a cluster for load tests } } }')
      expect(await run(...create(`${id}.unrecorded`))).toMatchObject({
        code: 0,
        stderr: expect.stringMatching(/Not recorded, \S+platform\.yaml says why: a cluster for load tests\n/),
      })
      expect(await run('audit', 'verify', ...production)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('platform.yaml says that there is no trail: a cluster for load tests'),
      })
    })

    it('are recorded in its topic, unless the environment names another', async () => {
      const own = `${id}.declared`
      await live.cluster.createTopics([{ name: own, partitions: 1, replicationFactor: 1 }])
      const text = `environments: { production: {} }\naudit: { topic: ${own} }\n`
      const run = inFolder('declared', text)
      expect(await run(...create(`${id}.recorded`))).toMatchObject({ code: 0 })
      expect((await run('audit', 'verify', ...production)).stdout).toMatch(/^sound: 2 records of \S+\.declared/)
      const elsewhere = inFolder('elsewhere', text, { SELFMONITOR_AUDIT: `${id}.none` })
      expect(await elsewhere(...create(`${id}.refused`))).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`this cluster has no topic ${id}.none`),
      })
    })

    it('are recorded where an option names another cluster than the file is about', async () => {
      const run = inFolder('other', 'environments: { production: { audit: { none: a cluster for load tests } } }')
      const servers = ['--bootstrap-servers', live.env.KAFKA_BOOTSTRAP_SERVERS!]
      expect(await run(...create(`${id}.elsewhere`), ...servers)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('this cluster has no topic audit.events'),
      })
      expect(await exists(`${id}.elsewhere`)).toBe(false)
    })

    it('are not made when the file cannot be parsed', async () => {
      const run = inFolder('broken', 'audit: { topic: acme\n')
      expect(await run('topics', 'create', `${id}.broken`, '--yes')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('platform.yaml'),
      })
      expect(await exists(`${id}.broken`)).toBe(false)
    })

    it('are not made when what it says is a mistake', async () => {
      const run = inFolder('mistake', 'audit: none\n')
      expect(await run('topics', 'create', `${id}.mistaken`, '--yes')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('none: <reason>'),
      })
      expect(await exists(`${id}.mistaken`)).toBe(false)
    })
  })

  describe('are recorded', () => {
    beforeAll(async () => {
      await live.cluster.createTopics([{ name: trail, partitions: 2, replicationFactor: 1 }])
      await live.registryClient.register(`${trail}-value`, { schema: envelope })
    })

    it('before and after: who, from where, what, the outcome', async () => {
      const made = await cli(trail, 'topics', 'create', `${id}.c`, '-c', 'retention.ms=1h', '--yes')
      expect(made).toMatchObject({ code: 0, stderr: expect.not.stringContaining('ecorded') })
      const found = await cli(trail, 'audit', 'search', '--resource', `topic/${id}.c`, '-o', 'json')
      const { clusterId } = await live.cluster.info()
      const [change] = JSON.parse(found.stdout)
      expect(change.intention).toMatchObject({
        event_type: 'change_intended',
        user_id: 'User:ANONYMOUS',
        data: {
          action: 'topics.create',
          category: 'change management',
          resources: [{ type: 'topic', name: `${id}.c` }],
          who: { principal: 'User:ANONYMOUS', kubernetes: null },
          from: { address: '127.0.0.1', process: process.pid, client_id: 'selfmonitor-cli' },
          command: `selfmonitor topics create ${id}.c -c retention.ms=1h --yes`,
          cluster: clusterId,
          environment: 'development',
          after: [{ name: `${id}.c`, config: { 'retention.ms': '3600000' } }],
          outcome: null,
        },
      })
      expect(change).toMatchObject({
        status: 'success',
        outcome: {
          event_type: 'change_finished',
          data: { change_id: change.intention.data.change_id, outcome: { status: 'success', code: null } },
        },
      })
    })

    it('as events of the platform: tailed like others', async () => {
      const tailed = await cli(trail, 'events', 'tail', trail, '--from', 'earliest', '-o', 'json')
      const types = tailed.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).event_type)
      expect(types.slice(0, 2)).toEqual(['change_intended', 'change_finished'])
    })

    it('with the code of the error when they fail', async () => {
      writeFileSync(
        join(folder.path, 'big.yaml'),
        `version: 1\ntopics:\n  ${id}.d: { partitions: 1, replication: 9 }\n`,
      )
      const applied = await cli(trail, 'setup', '-f', 'big.yaml', '--yes')
      expect(applied.code).not.toBe(0)
      const found = await cli(trail, 'audit', 'search', '--action', 'setup', '--outcome', 'failure')
      expect(found.stdout).toMatch(new RegExp(`setup +failure \\S+ +topic/${id}\\.d`))
    })

    it('by commands that run at the same time, in one sound chain', async () => {
      const names = Array.from({ length: 6 }, (_, index) => `${id}.side-${index}`)
      const made = await Promise.all(names.map((name) => cli(trail, 'topics', 'create', name, '--yes')))
      expect(made.map(({ code }) => code)).toEqual(names.map(() => 0))
      const verified = await cli(trail, 'audit', 'verify', '-o', 'json')
      expect(verified.code).toBe(0)
      expect(JSON.parse(verified.stdout)).toMatchObject({ sound: true, breaks: [], unfinished: [], others: 0 })
      expect((await cli(trail, 'audit', 'verify')).stdout).toMatch(/^sound: \d+ records of /)
    })

    it('beside the events of services, which are counted', async () => {
      await cli(trail, 'events', 'emit', trail, 'record_changed', '--user', 'u-1', '--data', '{"a":1}')
      expect((await cli(trail, 'audit', 'verify')).stdout).toMatch(/^sound: \d+ records of \S+, and 1 of others\n/)
    })

    it('as JSON when the registry has no schema for them', async () => {
      const plain = `${id}.plain`
      await live.cluster.createTopics([{ name: plain, partitions: 1, replicationFactor: 1 }])
      const made = await cli(plain, 'topics', 'create', `${id}.e`, '--yes')
      expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining('as JSON instead of Avro') })
      expect((await cli(plain, 'audit', 'verify')).stdout).toMatch(/^sound: 2 records/)
    })

    it('and a forged record among them is found, with its offset', async () => {
      const forged = `${id}.forged`
      await live.cluster.createTopics([{ name: forged, partitions: 1, replicationFactor: 1 }])
      await cli(forged, 'topics', 'create', `${id}.f`, '--yes')
      const producer = await live.cluster.initProducer()
      const appender = await live.cluster.appendBatches()
      const header = { key: 'selfmonitor-audit', value: Buffer.from('00') }
      const record = { value: Buffer.from('{"event_type":"change_intended"}'), headers: [header], timestamp: 1n }
      await appender.append(forged, 0, encodeBatch([record], { ...producer, baseSequence: 0 }))
      await appender.close()
      const found = await cli(forged, 'audit', 'verify')
      expect(found).toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/^broken at \S+\.forged\[0\]@2: 1 break in 3/),
      })
    })

    it('and are not called sound where they are all gone, or were not all read', async () => {
      const emptied = `${id}.emptied`
      await live.cluster.createTopics([{ name: emptied, partitions: 1, replicationFactor: 1 }])
      const nothing = { code: 1, stdout: expect.stringMatching(/^not verified: \S+ has no records of changes/) }
      expect(await cli(emptied, 'audit', 'verify')).toMatchObject(nothing)
      await cli(emptied, 'topics', 'create', `${id}.h`, '--yes')
      const stopped = AbortSignal.abort()
      const env = { ...live.env, SELFMONITOR_AUDIT: emptied }
      for (const verb of ['verify', 'search']) {
        const result = await selfmonitor(['audit', verb], { cwd: folder.path, env, signal: stopped })
        expect(result).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('Interrupted') })
      }
      const later = new Date(Date.now() + 3_600_000).toISOString()
      expect(await cli(emptied, 'audit', 'verify', '--from', later)).toMatchObject({ code: 0 })
      await live.cluster.deleteRecords([{ topic: emptied, partition: 0, offset: -1n }])
      expect(await cli(emptied, 'audit', 'verify', '-o', 'json')).toMatchObject({
        code: 1,
        stdout: expect.stringContaining('"sound": false'),
      })
      expect(await cli(emptied, 'audit', 'verify', '--from', later)).toMatchObject(nothing)
    })

    it('and are not called sound where some are gone and their retention cannot be read', async () => {
      const cut = `${id}.cut`
      await live.cluster.createTopics([{ name: cut, partitions: 1, replicationFactor: 1 }])
      for (const name of ['i', 'j']) await cli(cut, 'topics', 'create', `${id}.${name}`, '--yes')
      await live.cluster.deleteRecords([{ topic: cut, partition: 0, offset: 1n }])
      expect(await cli(cut, 'audit', 'verify')).toMatchObject({ code: 1, stdout: expect.stringMatching(/^broken at/) })
      expect(await cli(cut, 'audit', 'verify', '--from', '1h')).toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/^broken at/),
      })
      // On Apache Kafka an account without DescribeConfigs gets the same: rights.test.ts.
      const stop = engine.broker?.faults.add({
        api: 'DescribeConfigs',
        action: { error: 'TOPIC_AUTHORIZATION_FAILED' },
      })
      if (stop === undefined) return
      expect(await cli(cut, 'audit', 'verify')).toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/^not verified: 1 record at the beginning is gone, and whether it expired/),
      })
      stop()
    })

    it('and are not made in production when the record cannot be written', async () => {
      const small = `${id}.small`
      const config = { 'max.message.bytes': '100' }
      await live.cluster.createTopics([{ name: small, partitions: 1, replicationFactor: 1, config }])
      const words = ['topics', 'create', `${id}.g`, '--confirm', `${id}.g`]
      const refused = await cli(small, ...words, ...production)
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('Nothing was changed') })
      expect(await exists(`${id}.g`)).toBe(false)
      const made = await cli(small, ...words)
      expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining(`Not recorded in ${small}`) })
      expect(await exists(`${id}.g`)).toBe(true)
    })

    it('afterwards, when setup creates the topic of the trail itself', async () => {
      const own = `${id}.own`
      writeFileSync(
        join(folder.path, 'own.yaml'),
        `version: 1\nenvironments: { production: {} }\ntopics:\n  ${own}: { partitions: 1, replication: 1 }\n`,
      )
      const words = ['-f', 'own.yaml', '--confirm', 'production', ...production]
      expect(await cli(own, 'setup', ...words)).toMatchObject({ code: 0 })
      const found = JSON.parse((await cli(own, 'audit', 'search', '-o', 'json')).stdout)
      expect(found).toMatchObject([{ status: 'success', intention: { data: { recorded_afterwards: true } } }])
      expect((await cli(own, 'audit', 'verify')).stdout).toMatch(/^sound: 2 records/)
    })

    it('not by a setup that comes before the one which creates the topic, as in Kubernetes; it says so', async () => {
      const early = `${id}.early`
      writeFileSync(
        join(folder.path, 'early.yaml'),
        `version: 1\nenvironments: { production: {} }\ntopics:\n  ${early}: { partitions: 1, replication: 1 }\n`,
      )
      const words = ['setup', '-f', 'early.yaml', '--confirm', 'production', ...production]
      expect(await cli(`${id}.later`, ...words)).toMatchObject({
        code: 0,
        stderr: expect.stringMatching(/1 change could not be recorded: this cluster has no topic .*\.later/),
      })
      expect(await exists(early)).toBe(true)
    })
  })
})
