import { describe, expect, it } from 'vitest'
import { parseAvro } from '../avro/index.ts'
import { compatibilityCases } from '../test-support/oracle.ts'
import { AmbiguousAliasError, checkAvroReader } from './avro.ts'

const parse = (schema: unknown) => parseAvro(JSON.stringify(schema))

describe('a reader has the problems with a writer that Java Avro 1.12 finds', () => {
  for (const { name, reader, writer, problems, error } of compatibilityCases) {
    it(name, () => {
      const check = () => checkAvroReader(parse(reader), parse(writer))
      if (error === undefined) expect(check()).toEqual(problems)
      else expect(check).toThrow(AmbiguousAliasError)
    })
  }
})
