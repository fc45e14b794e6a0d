// Random Avro schemas, for properties that hold for all of them.
import fc from 'fast-check'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const primitive = fc.constantFrom('null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string')
const name = fc.constantFrom('A', 'B', 'C', 'D', 'n.A', 'n.B', 'm.A')
const fieldName = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const symbols = fc.uniqueArray(fc.constantFrom('X', 'Y', 'Z', 'W'), { minLength: 1 })
const props = fc.dictionary(
  fc.constantFrom('p', 'q', '1', 'logicalType', 'precision'),
  fc.oneof(
    fc.constantFrom('decimal', 'uuid', 'date', 'ü"\n'),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  ),
  { maxKeys: 2 },
)

/** A default that often fits its field, and sometimes does not. */
const defaults = fc.constantFrom<Json>(0, 1, 1.5, '', 'X', null, true, [], {})

const tree = fc.letrec<{ schema: Json }>((tie) => {
  const field = fc.record(
    {
      name: fieldName,
      type: tie('schema'),
      default: defaults,
      doc: fc.constantFrom('', 'doc'),
      aliases: fc.uniqueArray(fieldName, { maxLength: 2 }),
    },
    { requiredKeys: ['name', 'type'] },
  )
  return {
    schema: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      primitive,
      name,
      fc.tuple(primitive, props).map(([type, extra]) => ({ ...extra, type })),
      fc.tuple(name, symbols, fc.option(fc.constantFrom('X', 'Y'))).map(
        ([of, list, value]): Json => ({
          type: 'enum',
          name: of,
          symbols: list,
          ...(value !== null && list.includes(value as never) ? { default: value } : {}),
        }),
      ),
      fc.tuple(name, fc.constantFrom(4, 8, 16)).map(([of, size]): Json => ({ type: 'fixed', name: of, size })),
      tie('schema').map((items): Json => ({ type: 'array', items })),
      tie('schema').map((values): Json => ({ type: 'map', values })),
      fc
        .uniqueArray(tie('schema'), { maxLength: 3, selector: (item) => JSON.stringify(item) })
        .map((branches): Json => branches),
      fc
        .tuple(name, fc.uniqueArray(field, { maxLength: 4, selector: (item) => item.name }), fc.option(name), props)
        .map(
          ([of, fields, alias, extra]): Json => ({
            ...extra,
            type: 'record',
            name: of,
            fields: fields as Json,
            ...(alias === null ? {} : { aliases: [alias] }),
          }),
        ),
    ),
  }
})

/** Texts that look like schemas; many are valid, many break a rule. */
export const schemaText = tree.schema.map((schema) => JSON.stringify(schema))
