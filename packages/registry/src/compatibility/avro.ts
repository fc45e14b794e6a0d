// Whether data written with one Avro schema can be read with another: the rules of Avro's schema resolution, reported
// problem by problem in the vocabulary and with the paths of Java Avro's SchemaCompatibility (1.12).
import {
  type AvroSchema,
  aliasNames,
  type EnumSchema,
  type FixedSchema,
  type NamedSchema,
  type RecordField,
  type RecordSchema,
} from '../avro/index.ts'
import type { Incompatibility } from '../types.ts'

/** A reader's field has aliases that match more than one field of the writer: it is not clear which one is meant. */
export class AmbiguousAliasError extends Error {
  readonly code = 'AMBIGUOUS_ALIAS'
  readonly field: string

  constructor(field: string, record: string) {
    super(`Reader record field ${field} matches multiple fields in writer record schema ${record}`)
    this.field = field
  }
}

/** Writer types that a reader of another primitive type can take. */
const promotions: Partial<Record<AvroSchema['type'], readonly AvroSchema['type'][]>> = {
  long: ['int'],
  float: ['int', 'long'],
  double: ['int', 'long', 'float'],
  bytes: ['string'],
  string: ['bytes'],
}

export interface AvroIncompatibility extends Incompatibility {
  readonly type:
    | 'NAME_MISMATCH'
    | 'FIXED_SIZE_MISMATCH'
    | 'MISSING_ENUM_SYMBOLS'
    | 'READER_FIELD_MISSING_DEFAULT_VALUE'
    | 'TYPE_MISMATCH'
    | 'MISSING_UNION_BRANCH'
}

type Problems = readonly AvroIncompatibility[]

/**
 * Every reason why `reader` may fail on data of `writer`; none when it never does.
 *
 * Names compare without their namespace, as in Java. A pair of types that is met again inside itself counts as
 * compatible there; a pair that is met twice reports its problems each time, with the path of the first.
 * @throws {AmbiguousAliasError}
 */
export function checkAvroReader(reader: AvroSchema, writer: AvroSchema): Problems {
  const memo = new Map<AvroSchema, Map<AvroSchema, Problems | 'in progress'>>()
  return check(reader, writer, [])

  function check(to: AvroSchema, from: AvroSchema, path: readonly string[]): Problems {
    let row = memo.get(to)
    if (!row) {
      row = new Map()
      memo.set(to, row)
    }
    const known = row.get(from)
    if (known === 'in progress') return []
    if (known) return known
    row.set(from, 'in progress')
    const problems = calculate(to, from, path)
    row.set(from, problems)
    return problems
  }

  function calculate(to: AvroSchema, from: AvroSchema, path: readonly string[]): Problems {
    if (to.type === 'union' && from.type === 'union') {
      return from.branches.flatMap((branch, index) =>
        check(to, branch, []).length === 0 ? [] : [missingBranch(branch, [...path, String(index)])],
      )
    }
    if (from.type === 'union') {
      return from.branches.flatMap((branch, index) => check(to, branch, [...path, String(index)]))
    }
    if (to.type === 'union') {
      const readable = to.branches.some((branch) => check(branch, from, []).length === 0)
      return readable ? [] : [missingBranch(from, path)]
    }
    if (to.type === 'array' && from.type === 'array') return check(to.items, from.items, [...path, 'items'])
    if (to.type === 'map' && from.type === 'map') return check(to.values, from.values, [...path, 'values'])
    if (to.type === 'fixed' && from.type === 'fixed') return [...names(to, from, path), ...size(to, from, path)]
    if (to.type === 'enum' && from.type === 'enum') return [...names(to, from, path), ...symbols(to, from, path)]
    if (to.type === 'record' && from.type === 'record') return [...names(to, from, path), ...fields(to, from, path)]
    if (to.type === from.type || promotions[to.type]?.includes(from.type)) return []
    return [typeMismatch(to, from, path)]
  }

  function fields(to: RecordSchema, from: RecordSchema, path: readonly string[]): Problems {
    return to.fields.flatMap((field, index) => {
      const at = [...path, 'fields', String(index)]
      const written = writerField(from, field)
      if (written) return check(field.type, written.type, [...at, 'type'])
      if (field.default !== undefined) return []
      // Java compares an enum that has a default of its own with the whole record, which then mismatches as a type.
      if (field.type.type === 'enum' && field.type.default !== undefined)
        return check(field.type, from, [...at, 'type'])
      return [problem('READER_FIELD_MISSING_DEFAULT_VALUE', at, field.name)]
    })
  }
}

function writerField(writer: RecordSchema, field: RecordField): RecordField | undefined {
  const wanted = [field.name, ...field.aliases]
  const matches = wanted.flatMap((name) => writer.fields.find((candidate) => candidate.name === name) ?? [])
  if (matches.length > 1) throw new AmbiguousAliasError(field.name, writer.name.full)
  return matches[0]
}

function names(to: NamedSchema, from: NamedSchema, path: readonly string[]): Problems {
  if (to.name.name === from.name.name || aliasNames(to).includes(from.name.full)) return []
  return [problem('NAME_MISMATCH', [...path, 'name'], `expected: ${from.name.full}`)]
}

function size(to: FixedSchema, from: FixedSchema, path: readonly string[]): Problems {
  if (to.size === from.size) return []
  return [problem('FIXED_SIZE_MISMATCH', [...path, 'size'], `expected: ${from.size}, found: ${to.size}`)]
}

function symbols(to: EnumSchema, from: EnumSchema, path: readonly string[]): Problems {
  const missing = from.symbols.filter((symbol) => !to.symbols.includes(symbol)).toSorted((a, b) => (a < b ? -1 : 1))
  if (missing.length === 0 || to.default !== undefined) return []
  return [problem('MISSING_ENUM_SYMBOLS', [...path, 'symbols'], `[${missing.join(', ')}]`)]
}

function missingBranch(writer: AvroSchema, path: readonly string[]): AvroIncompatibility {
  return problem('MISSING_UNION_BRANCH', path, `reader union lacking writer type: ${writer.type.toUpperCase()}`)
}

function typeMismatch(to: AvroSchema, from: AvroSchema, path: readonly string[]): AvroIncompatibility {
  const message = `reader type: ${to.type.toUpperCase()} not compatible with writer type: ${from.type.toUpperCase()}`
  return problem('TYPE_MISMATCH', path, message)
}

function problem(type: AvroIncompatibility['type'], path: readonly string[], message: string): AvroIncompatibility {
  return { type, path: `/${path.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`, message }
}
