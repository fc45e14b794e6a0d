// The commands against a live cluster, in this process: the embedded broker and Apache Kafka, a registry of ours on top.
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { selfmonitor } from './test-io.ts'
import { liveCommands } from './test-support/live-commands.ts'

const repository = fileURLToPath(new URL('../../../', import.meta.url))

describeEngines('the commands', (engine) => {
  const live = liveCommands(engine, 'cli')
  const { id, folder, cli } = live
  const topic = `${id}.orders`

  describe('topics', () => {
    it('are created only after a yes, and then shown', async () => {
      const words = ['topics', 'create', topic, '--partitions', '3', '--config', 'retention.ms=3600000']
      const refused = await cli(...words)
      expect(refused).toMatchObject({ code: 2, stdout: '' })
      expect(refused.stderr).toMatch(/\+ .*orders: 3 partitions[\s\S]*Pass --yes/)
      expect(await cli(...words, '--yes', '-o', 'name')).toMatchObject({ code: 0, stdout: `${topic}\n` })
      const listed = await cli('topics', 'list')
      expect(listed.stdout).toMatch(/^TOPIC +PARTITIONS +REPLICAS +IN SYNC +RETENTION +RECORDS +SIZE\n/)
      expect(listed.stdout).toMatch(new RegExp(`^${topic} +3 +1 +all +1h +0 +0 B$`, 'm'))
      expect((await cli('topics', 'list', '-o', 'name')).stdout.split('\n')).toContain(topic)
    })

    it('are changed after a preview that names the cluster and its address', async () => {
      const { clusterId } = await live.cluster.info()
      const where = `on cluster ${clusterId} at ${engine.bootstrapServers}, environment development`
      for (const words of [
        ['topics', 'create', `${topic}.new`],
        ['topics', 'alter', topic, '--set', 'retention.ms=1'],
        ['topics', 'delete', topic],
      ]) {
        expect(await cli(...words)).toMatchObject({ code: 2, stderr: expect.stringContaining(where) })
      }
    })

    it('take settings in the units of platform.yaml, and answer with what the brokers made of them', async () => {
      const words = ['topics', 'create', `${topic}.units`, '-c', 'retention.ms=7d', '-c', 'segment.bytes=512MiB']
      const created = await cli(...words, '--yes', '-o', 'json')
      expect(created.stderr).toContain(': partitions as the brokers’ default, replicas as the brokers’ default')
      expect(created.stderr).toContain('retention.ms=604800000, segment.bytes=536870912')
      expect(JSON.parse(created.stdout)).toEqual([
        {
          name: `${topic}.units`,
          id: expect.stringMatching(/^.{22}$/),
          partitions: 1,
          replicationFactor: 1,
          config: { 'retention.ms': '604800000', 'segment.bytes': '536870912' },
        },
      ])
      expect((await cli('topics', 'alter', `${topic}.units`, '--set', 'retention.ms=7d')).stderr).toContain(
        'nothing to change',
      )
      expect((await cli('topics', 'alter', `${topic}.units`, '--set', 'retention.ms=1h', '--yes')).code).toBe(0)
      expect((await cli('topics', 'describe', `${topic}.units`)).stdout).toMatch(/retention +1h\n/)
      for (const verb of [
        ['create', `${topic}.bad`, '-c'],
        ['alter', `${topic}.units`, '--set'],
      ]) {
        expect(await cli('topics', ...verb, 'retention.ms=7 years', '--yes')).toMatchObject({
          code: 2,
          stderr: expect.stringContaining('retention.ms=7 years: must be a duration such as 7d'),
        })
      }
    })

    it('with a setting that is unknown are refused, with the one that was probably meant', async () => {
      for (const verb of [
        ['create', `${topic}.bad`, '-c'],
        ['alter', `${topic}.units`, '--set'],
      ]) {
        expect(await cli('topics', ...verb, 'retention.mss=1', '--yes')).toMatchObject({
          code: 1,
          stdout: '',
          stderr: expect.stringMatching(/INVALID_CONFIG.*retention\.mss.*\n +Did you mean retention\.ms\?\n$/),
        })
      }
    })

    it('that a policy of the brokers forbids are reported as forbidden, not as a failed login', async () => {
      expect(await cli('topics', 'create', `${topic}.huge`, '-p', '10001', '--yes')).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringContaining('POLICY_VIOLATION'),
      })
    })

    it('say when they exist already', async () => {
      expect(await cli('topics', 'create', topic, '--yes')).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(/TOPIC_ALREADY_EXISTS/),
      })
    })

    it('are described as a table and as data with offsets as strings', async () => {
      expect((await cli('topics', 'describe', topic)).stdout).toMatch(
        /retention +1h[\s\S]*retention\.ms +3600000[\s\S]*PARTITION +LEADER/,
      )
      const data = JSON.parse((await cli('topics', 'describe', topic, '-o', 'json')).stdout)
      expect(data).toMatchObject({ name: topic, config: { 'retention.ms': '3600000' }, records: '0' })
      expect(data.partitions[0]).toMatchObject({ partition: 0, earliestOffset: '0', latestOffset: '0' })
    })

    it('that are unknown are suggested', async () => {
      expect(await cli('topics', 'describe', topic.replace('orders', 'ordres'))).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`Did you mean ${topic}?`),
      })
    })

    it('are altered with a preview: grown with a warning, never shrunk, settings set and unset', async () => {
      expect((await cli('topics', 'alter', topic, '--partitions', '2', '--yes')).stderr).toContain(
        'the number cannot shrink',
      )
      const words = [
        'topics',
        'alter',
        topic,
        '--partitions',
        '4',
        '--set',
        'cleanup.policy=compact',
        '--unset',
        'retention.ms',
      ]
      const refused = await cli(...words)
      expect(refused).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(/partitions +3 +4\n[\s\S]*Keys move/),
      })
      const altered = await cli(...words, '--yes')
      expect({ code: altered.code, tables: altered.stderr.split('SETTING').length - 1 }).toEqual({ code: 0, tables: 1 })
      expect(altered).toMatchObject({ stdout: '', stderr: expect.stringContaining(`Altered ${topic}.`) })
      expect(JSON.parse((await cli('topics', 'describe', topic, '-o', 'json')).stdout)).toMatchObject({
        config: { 'cleanup.policy': 'compact' },
        partitions: { length: 4 },
      })
      expect((await cli(...words, '--yes')).stderr).toContain('nothing to change')
      expect(await cli('topics', 'alter', topic, '--set', 'cleanup.policy=never', '--yes')).toMatchObject({
        code: 1,
        stdout: '',
      })
    })

    it('need their name typed in production', async () => {
      const words = ['topics', 'delete', topic, '--env', 'production']
      expect(await cli(...words, '--yes')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(`--confirm ${topic}`),
      })
      const env = { ...live.env, SELFMONITOR_AUDIT: 'none: this cluster has no topic for it' }
      const removed = await selfmonitor([...words, '--confirm', topic], { cwd: folder.path, env })
      expect(removed).toMatchObject({ code: 0, stdout: expect.stringContaining(topic) })
      expect((await cli('topics', 'list', '-o', 'name')).stdout.split('\n')).not.toContain(topic)
    })
  })

  describe('schemas', () => {
    const subject = `${id}-value`
    const schema = (fields: object[]): string => JSON.stringify({ type: 'record', name: 'Order', fields })
    const first = schema([{ name: 'id', type: 'string' }])
    const compatible = schema([
      { name: 'id', type: 'string' },
      { name: 'note', type: 'string', default: '' },
    ])
    const incompatible = schema([
      { name: 'id', type: 'string' },
      { name: 'total', type: 'long' },
    ])

    it('are registered after a yes, once, and got back', async () => {
      writeFileSync(join(folder.path, 'first.avsc'), first)
      expect(await cli('schemas', 'register', subject, 'first.avsc')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(`on registry ${live.registry.url}, environment development`),
      })
      const registered = await cli('schemas', 'register', subject, 'first.avsc', '--yes', '-o', 'json')
      expect(JSON.parse(registered.stdout)).toMatchObject({ subject, version: 1, id: expect.any(Number) })
      expect((await cli('schemas', 'register', subject, 'first.avsc')).stderr).toContain('nothing to register')
      expect(JSON.parse((await cli('schemas', 'get', subject)).stdout)).toEqual(JSON.parse(first))
      const { id: schemaId } = JSON.parse(registered.stdout)
      expect(JSON.parse((await cli('schemas', 'get', '--id', String(schemaId))).stdout)).toEqual(JSON.parse(first))
      expect((await cli('schemas', 'list')).stdout).toMatch(
        new RegExp(`^${subject} +AVRO +${schemaId} +1 +1 +BACKWARD$`, 'm'),
      )
    })

    it('have a contract of files, which the next version inherits', async () => {
      const own = `${id}-contract-value`
      const metadata = { properties: { owner: 'orders' } }
      const rule = { name: 'r', kind: 'CONDITION', mode: 'WRITE', type: 'CEL', expr: 'true' }
      writeFileSync(join(folder.path, 'metadata.json'), JSON.stringify(metadata))
      writeFileSync(join(folder.path, 'rules.json'), JSON.stringify({ domainRules: [rule] }))
      writeFileSync(join(folder.path, 'first.avsc'), first)
      const contract = ['--metadata', 'metadata.json', '--rules', 'rules.json', '--yes']
      expect(await cli('schemas', 'register', own, 'first.avsc', ...contract)).toMatchObject({ code: 0 })
      writeFileSync(join(folder.path, 'next.avsc'), compatible)
      const next = await cli('schemas', 'register', own, 'next.avsc', '--yes', '-o', 'json')
      expect(JSON.parse(next.stdout)).toMatchObject({ version: 2 })
      const shown = JSON.parse((await cli('schemas', 'get', own, '-o', 'json')).stdout)
      expect(shown).toMatchObject({ version: 2, metadata, ruleSet: { domainRules: [rule] } })
      expect((await cli('schemas', 'register', own, 'next.avsc')).stderr).toContain('nothing to register')
      writeFileSync(join(folder.path, 'metadata.json'), '[]')
      const refused = await cli('schemas', 'register', own, 'first.avsc', ...contract)
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('metadata.json is not a JSON object') })
    })

    it('are checked: compatible is 0, incompatible is 1 and says why', async () => {
      writeFileSync(join(folder.path, 'good.avsc'), compatible)
      writeFileSync(join(folder.path, 'bad.avsc'), incompatible)
      expect(await cli('schemas', 'check', subject, 'good.avsc')).toMatchObject({
        code: 0,
        stdout: `compatible with ${subject}\n`,
      })
      expect(await cli('schemas', 'check', `${id}-absent`, 'good.avsc')).toMatchObject({
        code: 0,
        stdout: `there is no subject ${id}-absent yet: any schema is compatible\n`,
      })
      expect(await cli('schemas', 'check', subject, 'bad.avsc')).toMatchObject({
        code: 1,
        stdout: expect.stringContaining('total'),
      })
      expect(await cli('schemas', 'register', subject, 'bad.avsc', '--yes')).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringContaining('total'),
      })
    })

    it('that do not fit are structured problems as JSON', async () => {
      const { code, stdout } = await cli('schemas', 'check', subject, 'bad.avsc', '-o', 'json')
      expect({ code, data: JSON.parse(stdout) }).toEqual({
        code: 1,
        data: {
          subject,
          compatible: false,
          version: 1,
          compatibility: 'BACKWARD',
          problems: [
            {
              type: 'READER_FIELD_MISSING_DEFAULT_VALUE',
              description: expect.stringContaining("The field 'total'"),
              path: '/fields/1',
              additionalInfo: 'total',
              direction: 'backward',
            },
          ],
        },
      })
      expect(JSON.parse((await cli('schemas', 'check', subject, 'good.avsc', '-o', 'json')).stdout)).toMatchObject({
        compatible: true,
        problems: [],
      })
    })

    it('of Protobuf are checked and registered, and a wrong one is refused with its place', async () => {
      writeFileSync(join(folder.path, 'a.proto'), 'syntax = "proto3"; message A { string id = 1; }')
      const proto = ['--type', 'PROTOBUF']
      expect(await cli('schemas', 'check', `${id}-proto-value`, 'a.proto', ...proto)).toMatchObject({ code: 0 })
      const registered = await cli('schemas', 'register', `${id}-proto-value`, 'a.proto', ...proto, '--yes')
      expect(registered).toMatchObject({ code: 0 })
      writeFileSync(join(folder.path, 'b.proto'), 'syntax = "proto3";\nmessage A { Strin id = 1; }')
      const { code, stderr } = await cli('schemas', 'register', `${id}-proto-value`, 'b.proto', ...proto, '--yes')
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('2:13: "Strin" is not defined.') })
    })

    it('of JSON Schema are checked and registered with --type JSON', async () => {
      const person = (type: string) => JSON.stringify({ properties: { name: { type } }, additionalProperties: false })
      writeFileSync(join(folder.path, 'person.json'), person('string'))
      writeFileSync(join(folder.path, 'other.json'), person('integer'))
      expect(
        (await cli('schemas', 'register', `${id}-json-value`, 'person.json', '--type', 'JSON', '--yes')).code,
      ).toBe(0)
      expect(await cli('schemas', 'check', `${id}-json-value`, 'other.json', '--type', 'JSON')).toMatchObject({
        code: 1,
        stdout: expect.stringContaining(
          "The new schema has another type at path '#/properties/name' than the old schema",
        ),
      })
      expect((await cli('schemas', 'list')).stdout).toMatch(new RegExp(`${id}-json-value +JSON `))
    })

    it('say which types differ, and of which field', async () => {
      writeFileSync(join(folder.path, 'int.avsc'), first.replace('"string"', '"int"'))
      const { code, stdout } = await cli('schemas', 'check', subject, 'int.avsc')
      expect({ code, stdout }).toEqual({
        code: 1,
        stdout: expect.stringContaining('(field id; reader type: INT not compatible with writer type: STRING)'),
      })
    })

    it('have a level of their own, got and set after a yes', async () => {
      const level = (...words: string[]) => cli('schemas', 'compatibility', ...words)
      expect(JSON.parse((await level('get', '-o', 'json')).stdout)).toEqual({
        subject: null,
        compatibility: 'BACKWARD',
        source: 'global',
      })
      expect((await level('get', subject)).stdout).toMatch(/compatibility +BACKWARD\nfrom +the global level\n/)
      expect(await level('set', 'FULL', subject)).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(/~ .*: BACKWARD, the global one → FULL\n[\s\S]*on registry [\s\S]*Pass --yes/),
      })
      expect((await level('set', 'full', subject, '--yes', '-o', 'name')).stdout).toBe('FULL\n')
      expect(JSON.parse((await level('get', subject, '-o', 'json')).stdout)).toEqual({
        subject,
        compatibility: 'FULL',
        source: 'subject',
      })
      expect((await level('set', 'FULL', subject)).stderr).toContain('nothing to set')
      expect(await level('set', 'FULLL', subject)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('Did you mean FULL?'),
      })
      expect(await level('get', `${id}-valu`)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`Did you mean ${subject}?`),
      })
      expect(await level('got', subject)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("unknown command 'got'"),
      })
    })

    it('are deleted after a yes, one version or all, and for good only when that is said', async () => {
      const removed = `${id}-removed-value`
      const remove = (...words: string[]) => cli('schemas', 'delete', removed, ...words)
      const versions = async (...words: string[]) =>
        (await live.registryClient.versions(removed, { deleted: words.includes('deleted') })).join()
      for (const file of ['first.avsc', 'good.avsc']) {
        expect((await cli('schemas', 'register', removed, file, '--yes')).code).toBe(0)
      }
      expect(await remove('--version', '9')).toMatchObject({ code: 1, stderr: expect.stringContaining('it has 1, 2.') })
      expect(await remove()).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(/- .*: versions 1, 2\n/),
      })
      expect((await remove('--version', '1', '--yes', '-o', 'name')).stdout).toBe(`${removed}:1\n`)
      expect([await versions(), await versions('deleted')]).toEqual(['2', '1,2'])
      expect((await remove('--yes')).code).toBe(0)
      expect([await versions(), await versions('deleted')]).toEqual(['', '1,2'])
      const permanent = await remove('--permanent', '--yes')
      expect(permanent).toMatchObject({ code: 0, stderr: expect.stringContaining('can no longer be decoded') })
      expect(await versions('deleted')).toBe('')
      expect(await remove('--permanent', '--yes')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('There is no subject'),
      })
    })

    it('that are invalid are reported with their file, not with their text', async () => {
      writeFileSync(join(folder.path, 'none.avsc'), '{"type":"record"')
      for (const verb of ['check', 'register']) {
        const { code, stderr } = await cli('schemas', verb, subject, 'none.avsc')
        expect({ code, stderr }).toEqual({
          code: 1,
          stderr: expect.stringMatching(/^error none\.avsc is not a schema: /),
        })
        expect(stderr).not.toContain('record')
      }
    })

    it('name the unknown subject', async () => {
      expect((await cli('schemas', 'get', `${id}-valu`)).stderr).toContain(`Did you mean ${subject}?`)
      expect((await cli('schemas', 'get', subject, '--version', '9')).stderr).toContain('it has 1.')
      expect(await cli('schemas', 'get', '--id', '99999')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`There is no schema with the id 99999 at ${live.registry.url}.`),
      })
    })
  })

  describe('a platform file', () => {
    const events = `${id}.user.events`

    beforeAll(() => {
      cpSync(join(repository, 'schemas/user.events.avsc'), join(folder.path, `schemas/${events}.avsc`))
      cpSync(join(repository, 'schemas/user.events'), join(folder.path, `schemas/${events}`), { recursive: true })
      writePlatform(3)
    })

    function writePlatform(partitions: number): void {
      writeFileSync(
        join(folder.path, 'platform.yaml'),
        [
          'version: 1',
          'defaults: { replication: 1, schema: "schemas/{topic}.avsc", events: "schemas/{topic}" }',
          'environments: { development: {}, production: { defaults: { replication: 3 } } }',
          `topics: { ${events}: { partitions: ${partitions}, retention: 7d } }`,
          '',
        ].join('\n'),
      )
    }

    it('is validated for every environment, mistakes with their line', async () => {
      expect(await cli('validate')).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(
          /^platform\.yaml is valid: 1 topic, \d+ event types, 0 services; environments development, production\n$/,
        ),
      })
      writeFileSync(join(folder.path, 'wrong.yaml'), 'version: 1\ntopics:\n  a: { partitons: 3 }\n')
      expect(await cli('validate', '-f', 'wrong.yaml')).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(/wrong\.yaml:3:\d+ .*partitons/),
      })
      const json = JSON.parse((await cli('validate', '-f', 'wrong.yaml', '-o', 'json')).stderr)
      expect(json.error.problems).toContainEqual(expect.objectContaining({ line: 3, path: 'topics.a.partitons' }))
    })

    it('is validated for its environments when none is called development', async () => {
      const topics = (retention: string): string =>
        `environments: { staging: {}, production: { defaults: { retention: ${retention} } } }\ntopics: { a: { partitions: 3 } }\n`
      writeFileSync(join(folder.path, 'live.yaml'), topics('7d'))
      expect(await cli('validate', '-f', 'live.yaml')).toMatchObject({
        code: 0,
        stdout: 'live.yaml is valid: 1 topic, 0 event types, 0 services; environments staging, production\n',
      })
      writeFileSync(join(folder.path, 'live.yaml'), topics('1 year'))
      expect(await cli('validate', '-f', 'live.yaml')).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/live\.yaml:1:\d+ .*retention.*\(environment production\)\n$/),
      })
    })

    it('has pending changes: plan exits 3, as text, JSON and Markdown', async () => {
      expect(await cli('plan')).toMatchObject({
        code: 3,
        stdout: expect.stringMatching(new RegExp(`topic +${events}`)),
      })
      expect(JSON.parse((await cli('plan', '-o', 'json')).stdout).changes).toHaveLength(8)
      expect((await cli('plan', '-o', 'markdown')).stdout).toMatch(/^### Platform plan: development\n/)
    })

    it('is applied after a yes; then nothing is left to do', async () => {
      expect(await cli('apply')).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Pass --yes') })
      expect(await cli('apply', '--yes')).toMatchObject({ code: 0, stdout: '8 changes applied.\n' })
      expect(await cli('plan')).toMatchObject({ code: 0, stdout: expect.stringContaining('No changes') })
      expect(await cli('apply')).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('No changes') })
      expect(await cli('setup')).toMatchObject({
        code: 0,
        stdout: '1 topic, 7 schemas: nothing to change (development)\n',
      })
    })

    it('that cannot be applied exits 1 and changes nothing', async () => {
      writePlatform(2)
      expect((await cli('plan')).code).toBe(1)
      expect(await cli('apply', '--yes')).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(/platform\.yaml:4.*partitions/),
      })
      writePlatform(3)
      expect((await cli('plan')).code).toBe(0)
    })

    it('is written from the cluster, and its plan is empty', async () => {
      await live.registryClient.register(`${events}-key`, { schema: '"string"' })
      const imported = await cli('import', '--dir', 'imported', '--topic', `${id}.*`)
      expect(imported).toMatchObject({ code: 0, stdout: expect.stringMatching(/^imported\/platform\.yaml\n/) })
      expect(imported.stderr).toContain(`schemas of keys, which cannot be declared: ${events}-key\n`)
      expect(await cli('plan', '-f', 'imported/platform.yaml')).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('No changes'),
      })
      expect(await cli('import', '--dir', 'imported', '--topic', `${id}.*`)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('Pass --force'),
      })
    })

    it('gives types, and says when they are out of date', async () => {
      expect((await cli('types')).stdout).toContain('user_created')
      expect((await cli('types', '--out', 'events.ts', '--check')).code).toBe(3)
      expect((await cli('types', '--out', 'events.ts')).code).toBe(0)
      expect((await cli('types', '--out', 'events.ts', '--check')).code).toBe(0)
    })
  })
})
