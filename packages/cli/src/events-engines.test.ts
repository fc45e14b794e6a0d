// `selfmonitor events` against a live cluster, in this process: the embedded broker and Apache Kafka, a registry of ours on top.
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { envelopeSchema } from '@selfmonitor/platform/shapes'
import { Kafka, logLevel } from 'kafkajs'
import { beforeAll, describe, expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { type RunResult, selfmonitor } from './test-io.ts'
import { liveCommands } from './test-support/live-commands.ts'

const repository = fileURLToPath(new URL('../../../', import.meta.url))

describeEngines('the commands for events', (engine) => {
  const live = liveCommands(engine, 'clievents')
  const { id, folder, cli } = live

  it('topics without the envelope are emitted to and tailed: Avro of its own shape, JSON and text', async () => {
    const carts = `${id}.carts`
    const compacted = { 'cleanup.policy': 'compact,delete' }
    const sizes = { partitions: 1, replicationFactor: 1 }
    await live.cluster.createTopics([
      { name: carts, ...sizes, config: compacted },
      { name: `${carts}.log`, ...sizes },
    ])
    const cart = {
      type: 'record',
      name: 'Cart',
      namespace: 'shop',
      fields: [{ name: 'items', type: { type: 'array', items: 'string' } }],
    }
    await live.registryClient.register(`${carts}-value`, { schema: JSON.stringify(cart) })
    const emit = (...more: string[]): Promise<RunResult> =>
      selfmonitor(['events', 'emit', carts, ...more], { env: live.env })
    expect(await emit('--key', 'c-1', '--data', '{"items":["apple"]}', '-o', 'name')).toMatchObject({
      code: 0,
      stdout: `${carts}-0@0\n`,
    })
    expect(await emit('--data', '{"items":5}')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('value/items must be'),
    })
    expect(await emit('--user', 'u')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('The event type is missing'),
    })
    expect((await emit('--key', 'c-1', '--data', 'null')).code).toBe(0)
    expect(
      await selfmonitor(['events', 'emit', `${carts}.log`, '--key', 'c-1', '--data', 'null'], { env: live.env }),
    ).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(`${carts}.log is not compacted (cleanup.policy=delete)`),
    })
    const producer = new Kafka({ brokers: engine.bootstrapServers.split(','), logLevel: logLevel.NOTHING }).producer()
    await producer.connect()
    await producer.send({
      topic: carts,
      messages: [
        { key: 'c-2', value: '{"json":true}' },
        { key: 'c-3', value: 'plain text' },
      ],
    })
    await producer.disconnect()

    const tail = (...more: string[]): Promise<RunResult> =>
      selfmonitor(['events', 'tail', carts, '--from', 'earliest', ...more], { env: live.env })
    expect((await tail()).stdout.split('\n').map((line) => line.replace(/^.{24} +/, '').replace(/ +/g, ' '))).toEqual([
      'Cart c-1 [0]@0 {"items":["apple"]}',
      'tombstone c-1 [0]@1 null',
      'json c-2 [0]@2 {"json":true}',
      'text c-3 [0]@3 "plain text"',
      '',
    ])
    expect((await selfmonitor(['events', 'tail', carts, '--from', '99'], { env: live.env })).stderr).toBe(
      `No events there: offset 99 is past the end (${carts}-0 ends at 4).\n`,
    )
    const found = await tail('--type', 'shop.Cart', '--key', 'c-1', '-o', 'json')
    expect(JSON.parse(found.stdout)).toMatchObject({ format: 'avro', schema: 'shop.Cart', value: { items: ['apple'] } })
  })

  it('a followed topic that is deleted ends the tail, which says so', async () => {
    const deleted = `${id}.deleted`
    await live.cluster.createTopics([{ name: deleted, partitions: 1, replicationFactor: 1 }])
    const producer = new Kafka({ brokers: engine.bootstrapServers.split(','), logLevel: logLevel.NOTHING }).producer()
    await producer.connect()
    await producer.send({ topic: deleted, messages: [{ value: 'before' }] })
    await producer.disconnect()
    const seen = Promise.withResolvers<void>()
    const following = selfmonitor(['events', 'tail', deleted, '--follow', '--from', 'earliest'], {
      env: live.env,
      onOutput: () => seen.resolve(),
    })
    await seen.promise
    await live.cluster.deleteTopics([deleted])
    expect(await following).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('before'),
      stderr: expect.stringContaining(`error ${deleted} was deleted while it was being read.\n`),
    })
  })

  describe('of a platform file', () => {
    const events = `${id}.user.events`

    beforeAll(async () => {
      cpSync(join(repository, 'schemas/user.events.avsc'), join(folder.path, `schemas/${events}.avsc`))
      cpSync(join(repository, 'schemas/user.events'), join(folder.path, `schemas/${events}`), { recursive: true })
      writeFileSync(
        join(folder.path, 'platform.yaml'),
        `defaults: { schema: "schemas/{topic}.avsc", events: "schemas/{topic}" }\ntopics: { ${events}: { partitions: 3 } }\n`,
      )
      expect((await cli('apply', '--yes')).code).toBe(0)
    })

    const emit = (type: string, data: object, ...more: string[]): Promise<RunResult> =>
      cli('events', 'emit', events, type, '--user', 'u-1', '--data', JSON.stringify(data), ...more)
    const tail = async (...words: string[]): Promise<Record<string, unknown>[]> =>
      (await cli('events', 'tail', events, '-o', 'json', ...words)).stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line))

    it('are emitted, validated against their payload schema', async () => {
      expect((await cli('events', 'tail', events)).stderr).toContain('No events there')
      const sent = await emit(
        'user_created',
        { email: 'a@example.com', country: 'GB', channel: 'web' },
        '--header',
        'source=test',
      )
      expect(sent).toMatchObject({ code: 0, stdout: expect.stringMatching(/^event +[0-9a-f-]{36}\ntopic /) })
      expect((await emit('user_verified', { channel: 'email', verified_at: '2026-11-22T13:00:00Z' })).code).toBe(0)
      expect(await emit('user_created', { email: 'a@example.com' })).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringContaining('country'),
      })
      expect(await cli('events', 'emit', events, '--data', '{}')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(`Name one: selfmonitor events emit ${events} <type> --user <id>`),
      })
      expect(await emit('user_craeted', {})).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('did you mean "user_created"'),
      })
    })

    it('are tailed decoded, filtered by type and user, from a place, up to a limit', async () => {
      const all = await tail('--from', 'earliest')
      expect(all).toMatchObject([
        {
          event_type: 'user_created',
          user_id: 'u-1',
          data: { country: 'GB' },
          record: { topic: events, key: 'u-1', headers: { source: 'test' } },
        },
        { event_type: 'user_verified' },
      ])
      expect(await tail()).toEqual(all)
      expect(await tail('--last', '1')).toEqual(all.slice(1))
      expect(await tail('--type', 'user_verified')).toEqual(all.slice(1))
      expect(await tail('--from', 'earliest', '--user', 'u-2')).toEqual([])
      expect(await tail('--from', 'earliest', '--limit', '1')).toEqual(all.slice(0, 1))
      expect(await tail('--from', '1h', '--until', 'latest')).toEqual(all)
      expect(await tail('--from', '1', '--until', 'latest')).toEqual(all.slice(1))
      expect(await tail('--from', 'latest')).toEqual([])
      const mistyped = await cli('events', 'tail', events, '--type', 'user_craeted')
      expect(mistyped).toMatchObject({
        code: 0,
        stdout: '',
        stderr: expect.stringContaining(`"user_craeted" is not an event type of ${events}. Did you mean user_created?`),
      })
    })

    it('say which types there are where none is near the one that is asked for', async () => {
      const { code, stderr } = await cli('events', 'tail', events, '--type', 'nope')
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: expect.stringMatching(
          /No file here declares "nope" of .*: they declare .*user_created.*\nNo events there match the filter\.\n/,
        ),
      })
    })

    it('are followed as they come, until the signal', async () => {
      const stop = new AbortController()
      const following = selfmonitor(['events', 'tail', events, '--follow', '--last', '0', '-n', '1', '-o', 'json'], {
        cwd: folder.path,
        env: live.env,
        signal: stop.signal,
      })
      // Emits until the tail, which may not have found the end of the log yet, has seen one.
      let seen = false
      const done = following.finally(() => {
        seen = true
      })
      while (!seen) expect((await emit('user_closed', { reason: 'user_request' })).code).toBe(0)
      expect(JSON.parse((await done).stdout)).toMatchObject({ event_type: 'user_closed' })
      const endless = selfmonitor(['events', 'tail', events, '--follow'], {
        cwd: folder.path,
        env: live.env,
        signal: stop.signal,
      })
      stop.abort()
      expect((await endless).code).toBe(0)
    })

    it('to a topic that the platform file does not declare take its schema from the registry', async () => {
      const [carts, clicks] = [`${id}.undeclared.carts`, `${id}.undeclared.clicks`]
      await live.cluster.createTopics([carts, clicks].map((name) => ({ name, partitions: 1, replicationFactor: 1 })))
      const cart = { type: 'record', name: 'Cart', fields: [{ name: 'total', type: 'int' }] }
      await live.registryClient.register(`${carts}-value`, { schema: JSON.stringify(cart) })
      await live.registryClient.register(`${clicks}-value`, { schema: envelopeSchema('Click') })
      expect(await cli('events', 'emit', carts, '--data', '{"total":1}', '-o', 'name')).toMatchObject({
        code: 0,
        stdout: `${carts}-0@0\n`,
        stderr: `${carts} is not declared in the platform file: its schema comes from the registry.\n`,
      })
      expect((await cli('events', 'emit', carts, '--data', '{"total":"1"}')).stderr).toContain('value/total must be')
      expect(await cli('events', 'emit', clicks, 'link_clicked', '--user', 'u-1', '--data', '{"x":1}')).toMatchObject({
        code: 0,
        stderr: `${clicks} is not declared in the platform file: event types and payloads are not checked.\n`,
      })
      expect(await cli('events', 'emit', `${events}x`, 'user_closed', '--user', 'u-1')).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(
          new RegExp(
            `is not declared in the platform file, and ${events}x-value is not registered at http[^]*Did you mean ${events}\\?`,
          ),
        ),
      })
    })

    it('with a field that the payload schema does not declare are refused, as records are', async () => {
      expect(await emit('user_closed', { reason: 'user_request', raeson: 'x' })).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringContaining('data/raeson is not declared in the JSON Schema of this event type'),
      })
    })

    it('keep every digit of their numbers, in events and in records', async () => {
      const schema = { type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] }
      writeFileSync(join(folder.path, `schemas/${events}/numbered.json`), JSON.stringify(schema))
      const numbered = (id: string) =>
        cli('events', 'emit', events, 'numbered', '--user', 'u-9', '--data', `{"id":${id}}`)
      expect((await numbered('12345678901234567890')).code).toBe(0)
      expect(await numbered('1234567890.12345678901234')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('data/id must be integer'),
      })
      expect((await cli('events', 'tail', events, '--user', 'u-9')).stdout).toContain('{"id":12345678901234567890}')
      const longs = `${id}.longs`
      await live.cluster.createTopics([{ name: longs, partitions: 1, replicationFactor: 1 }])
      const fields = [{ name: 'id', type: 'long' }]
      await live.registryClient.register(`${longs}-value`, {
        schema: JSON.stringify({ type: 'record', name: 'Long', fields }),
      })
      // The library takes no long beyond 2^53 in a record, unless the schema says that it is a bigint.
      expect(await cli('events', 'emit', longs, '--data', '{"id":9007199254740993}')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('value/id must be'),
      })
      const bigints = `${id}.bigints`
      await live.cluster.createTopics([{ name: bigints, partitions: 1, replicationFactor: 1 }])
      const big = [{ name: 'id', type: { type: 'long', logicalType: 'bigint' } }]
      await live.registryClient.register(`${bigints}-value`, {
        schema: JSON.stringify({ type: 'record', name: 'Big', fields: big }),
      })
      expect(await cli('events', 'emit', bigints, '--data', '{"id":9007199254740993}')).toMatchObject({ code: 0 })
      expect((await cli('events', 'tail', bigints)).stdout).toContain('"id":"9007199254740993"')
    })

    it('say where no platform file is found, since payloads may go unchecked then', async () => {
      const words = ['events', 'emit', events, 'user_created', '--user', 'u-3', '--data', '{"anything":1}']
      expect((await selfmonitor(words, { env: live.env })).stderr).toContain(
        'Payloads are not checked: there is neither a platform.yaml nor a folder schemas here.',
      )
    })
  })
})
