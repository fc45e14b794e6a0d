// What is called compatible is compatible: random schemas, changes of them, and random values, with ajv as the judge.
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SchemaDocument } from '../../json-schema/index.ts'
import {
  arbitraryChange,
  arbitraryJsonSchema,
  arbitraryValue,
  inDraft7,
  isMisjudged,
} from '../../test-support/arbitrary-json-schema.ts'
import { checkJsonReader } from './index.ts'

const runs = 300
const options = { strict: false, logger: false, addUsedSchema: false } as const

const drafts = [
  {
    draft: '2020-12',
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    ajv: new Ajv2020(options),
    write: (schema: unknown) => schema,
  },
  { draft: '7', $schema: 'http://json-schema.org/draft-07/schema#', ajv: new Ajv(options), write: inDraft7 },
]

describe.each(drafts)('JSON Schema of draft $draft', ({ $schema, ajv, write }) => {
  const node = (schema: unknown) =>
    new SchemaDocument(JSON.stringify(typeof schema === 'object' ? { $schema, ...schema } : schema)).node

  /** @returns undefined for a schema that is not valid; its result is null where the code that ajv makes of it fails */
  function validator(schema: unknown): ((value: unknown) => boolean | null) | undefined {
    if (typeof schema === 'object' && !ajv.validateSchema(schema as object)) return undefined
    const validate = ajv.compile(schema as object)
    return (value) => {
      try {
        return validate(value) === true
      } catch (error) {
        // unevaluatedItems inside anyOf: `items0 is not defined` (ajv 8.20).
        if (error instanceof ReferenceError) return null
        throw error
      }
    }
  }

  const pairs = fc
    .oneof(arbitraryChange, fc.tuple(arbitraryJsonSchema, arbitraryJsonSchema))
    .map(([writer, reader]) => [write(writer), write(reader)] as const)

  it('a reader accepts every value that a writer may have written, when it is called compatible', {
    timeout: 120_000,
  }, () => {
    const values = fc.sample(arbitraryValue, { numRuns: 1500, seed: 7 })
    const seen = { changed: 0, values: 0 }
    fc.assert(
      fc.property(pairs, ([writer, reader]) => {
        if (checkJsonReader(node(reader), node(writer)).length > 0) return
        const [writes, reads] = [validator(writer), validator(reader)]
        if (writes === undefined || reads === undefined || isMisjudged(writer)) return
        if (JSON.stringify(writer) !== JSON.stringify(reader)) seen.changed++
        for (const value of values) {
          if (writes(value) !== true) continue
          seen.values++
          if (reads(value) === false) throw new Error(`refused: ${JSON.stringify(value)}`)
        }
      }),
      { numRuns: runs, seed: 42 },
    )
    // The property says something only where schemas were compatible and values valid.
    expect(seen.changed).toBeGreaterThan(runs / 40)
    expect(seen.values).toBeGreaterThan(runs)
  })

  it('a schema is compatible with itself', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(arbitraryJsonSchema.map(write), (schema) => {
        fc.pre(validator(schema) !== undefined)
        expect(checkJsonReader(node(schema), node(structuredClone(schema)))).toEqual([])
      }),
      { numRuns: 300, seed: 42 },
    )
  })
})
