import * as drills from '@selfmonitor/backup/drill'
import { createCodec } from '@selfmonitor/events/codec'
import * as cel from '@selfmonitor/platform/cel'
import type { RegistryClient } from '@selfmonitor/registry'
import { describe, expect, it } from 'vitest'
import { registryOf, valueDecoder } from './drill-values.ts'
import { schemaCheck } from './schema-check.ts'

const record = (...fields: string[]) =>
  JSON.stringify({ type: 'record', name: 'P', fields: fields.map((field) => JSON.parse(field)) })
const common = { version: 1, references: [], deleted: false }
const schemas: drills.BackedUpSchemas = {
  from: 'the registry',
  versions: [
    { ...common, id: 7, subject: 'payments-value', schemaType: 'AVRO', schema: record('{"name":"n","type":"long"}') },
    { ...common, id: 7, subject: ':.lab:payments-value', schemaType: 'AVRO', schema: '"string"' },
    { ...common, id: 8, subject: 'carts-value', schemaType: 'JSON', schema: '{}' },
    { ...common, id: 9, subject: 'price-value', schemaType: 'AVRO', schema: record('{"name":"x","type":"double"}') },
    {
      ...common,
      id: 10,
      subject: 'events-value',
      schemaType: 'AVRO',
      schema: record(
        ...['event_id', 'event_type', 'user_id', 'data'].map((name) => `{"name":"${name}","type":"string"}`),
        '{"name":"timestamp","type":"long"}',
      ),
    },
  ],
}
const registry = registryOf(schemas)
const decode = valueDecoder(createCodec(registry as RegistryClient), registry, cel)
const framed = (id: number, payload: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, 0, id]), payload])
const avroText = (text: string) => Buffer.concat([Buffer.from([text.length * 2]), Buffer.from(text)])

describe('a value of a drill', () => {
  it('is decoded with the schema of the backup, every number exact', async () => {
    // 150 as Avro's zigzag.
    expect(await decode(framed(7, Buffer.from([0xac, 0x02])))).toEqual({ value: { n: 150n }, event: null })
    const double = Buffer.alloc(8)
    double.writeDoubleLE(0.1)
    expect(await decode(framed(9, double))).toEqual({ value: { x: new cel.Decimal(1n, 1) }, event: null })
    expect(await decode(framed(8, Buffer.from('{"n":9007199254740993}')))).toMatchObject({
      value: { n: 9007199254740993n },
    })
    expect(await decode(Buffer.from('{"n":1.50}'))).toEqual({ value: { n: new cel.Decimal(150n, 2) }, event: null })
    expect(await decode(null)).toEqual({ value: null, event: null })
  })

  it('of an event is its payload, beside the envelope', async () => {
    const bytes = [avroText('1'), avroText('paid'), avroText('u'), avroText('{"n":0.30}'), Buffer.from([2])]
    const { value, event } = await decode(framed(10, Buffer.concat(bytes)))
    expect(value).toEqual({ n: new cel.Decimal(30n, 2) })
    expect(event).toMatchObject({ event_type: 'paid', timestamp: 1n })
  })

  it('that cannot be decoded says why', async () => {
    await expect(decode(framed(99, Buffer.from([2])))).rejects.toThrow('the backup has no schema 99')
    await expect(decode(Buffer.from([255, 254]))).rejects.toThrow('neither text nor')
    await expect(decode(framed(7, Buffer.alloc(0)))).rejects.toThrow()
  })
})

describe('the check of schemas', () => {
  async function checked(topic: string, ...values: Buffer[]) {
    const notes: drills.DrillNotes = {
      phases: [],
      checks: [],
      findings: [],
      schemas: { from: null, inBackup: 0, ids: [], missing: [] },
    }
    const check = schemaCheck(schemas, decode, drills)
    for (const [at, value] of values.entries()) {
      await check.onRecord(topic, 0, { offset: BigInt(at), timestampMs: 0, key: null, value, headers: [] })
    }
    await check.finish(notes, new Set([topic]))
    return notes
  }

  it('passes when the backup has them all, and binary values of a topic without a schema are none', async () => {
    const good = await checked('payments', framed(7, Buffer.from([2])), Buffer.from('{}'))
    expect(good).toMatchObject({ findings: [], checks: [{ outcome: 'passed' }], schemas: { ids: [7], missing: [] } })
    expect((await checked('binary', framed(99, Buffer.from([2])))).findings).toEqual([])
  })

  it('names an id that the backup does not have, and a value that its schema does not decode', async () => {
    const bad = await checked('payments', framed(99, Buffer.from([2])), framed(7, Buffer.alloc(0)))
    expect(bad.checks[0]!.outcome).toBe('failed')
    expect(bad.schemas).toMatchObject({ ids: [7, 99], missing: [99] })
    expect(bad.findings.map(({ subject }) => subject)).toEqual([
      'schema 99',
      'topic payments partition 0 offset 1 of the target',
    ])
  })
})
