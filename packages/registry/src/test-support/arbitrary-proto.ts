// Random .proto files, of few names and numbers, so that they meet: right ones and ones that break a rule.
import fc from 'fast-check'

type Syntax = 'proto2' | 'proto3' | '2023'

const scalars = ['int32', 'sint64', 'fixed32', 'double', 'bool', 'string', 'bytes', 'uint64', 'float']
const messageNames = ['A', 'B', 'C']
const fieldNames = ['a', 'b', 'c', 'a_b', 'd_e_', 'x']
const typeNames = [...scalars, ...scalars, 'A', 'B', 'C', 'E', 'A.B', '.p.A', 'p.B', 'A.E', 'google.protobuf.Timestamp']

const oftenOr = <T>(usual: fc.Arbitrary<T>, rare: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ arbitrary: usual, weight: 30 }, { arbitrary: rare, weight: 1 })

const fieldOptions = (syntax: Syntax): fc.Arbitrary<string> =>
  oftenOr(
    fc.constantFrom('', '', '', ' [deprecated = true]', ' [json_name = "j", deprecated = false]'),
    fc.constantFrom(
      ' [packed = true]',
      ' [default = 1]',
      ' [default = "x"]',
      ' [default = true]',
      ' [json_name = "a"]',
      ' [lazy = true]',
      ' [jstype = JS_STRING]',
      ' [nothing = 1]',
      ...(syntax === '2023'
        ? [
            ' [features.field_presence = IMPLICIT]',
            ' [features.message_encoding = DELIMITED]',
            ' [features.repeated_field_encoding = PACKED]',
            ' [features.repeated_field_encoding = EXPANDED]',
            ' [features.utf8_validation = NONE]',
            ' [features.field_presence = LEGACY_REQUIRED]',
          ]
        : []),
    ),
  )

const label = (syntax: Syntax): fc.Arbitrary<string> => {
  const usual = {
    proto2: ['optional ', 'repeated ', 'required '],
    proto3: ['', '', 'repeated ', 'optional '],
    2023: ['', 'repeated '],
  }
  return oftenOr(fc.constantFrom(...usual[syntax]), fc.constantFrom('', 'required ', 'optional '))
}

interface Numbered {
  readonly name: string
  readonly number: number
}

/** Names and numbers of a message's fields, mostly each once. */
const numbered: fc.Arbitrary<Numbered[]> = oftenOr(
  fc
    .tuple(fc.shuffledSubarray(fieldNames), fc.shuffledSubarray([1, 2, 3, 4, 5, 7, 0x1f, 19, 536870911]))
    .map(([names, numbers]) =>
      names.slice(0, numbers.length).map((name, index) => ({ name, number: numbers[index]! })),
    ),
  fc.array(fc.record({ name: fc.constantFrom(...fieldNames), number: fc.constantFrom(0, 1, 2, 3, 19000) }), {
    maxLength: 4,
  }),
)

function field(syntax: Syntax, { name, number }: Numbered): fc.Arbitrary<string> {
  const plain = fc
    .tuple(label(syntax), fc.constantFrom(...typeNames), fieldOptions(syntax))
    .map(([before, type, options]) => `${before}${type} ${name} = ${number}${options};`)
  const map = fc
    .tuple(fc.constantFrom('string', 'int32', 'bool', 'string', 'int64', 'float'), fc.constantFrom(...typeNames))
    .map(([key, type]) => `map<${key}, ${type}> ${name} = ${number};`)
  const group = fc
    .tuple(label(syntax), fc.constantFrom('G', 'H', 'A'))
    .map(([before, type]) => `${before}group ${type} = ${number} { }`)
  return fc.oneof(
    { arbitrary: plain, weight: 12 },
    { arbitrary: map, weight: 2 },
    { arbitrary: group, weight: syntax === 'proto2' ? 1 : 0 },
  )
}

function oneof(syntax: Syntax, name: string, parts: readonly Numbered[]): fc.Arbitrary<string> {
  const fields = parts.map((part) =>
    fc
      .tuple(
        oftenOr(fc.constant(''), fc.constantFrom('optional ')),
        fc.constantFrom(...typeNames),
        fieldOptions(syntax),
      )
      .map(([before, type, options]) => `${before}${type} ${part.name} = ${part.number}${options};`),
  )
  return fc.tuple(...fields).map((lines) => `oneof ${name} { ${lines.join(' ')} }`)
}

const enumeration = (syntax: Syntax, name: string): fc.Arbitrary<string> => {
  const prefix = fc.constantFrom(`${name}_`, `${name.toLowerCase()}V`, name)
  const numbers = oftenOr(
    fc.uniqueArray(fc.constantFrom(1, 2, -1, 5), { maxLength: 3 }).map((rest) => [0, ...rest]),
    fc.array(fc.constantFrom(0, 1, 2), { maxLength: 3 }),
  )
  return fc
    .tuple(
      prefix,
      numbers,
      fc.constantFrom('', '', 'option allow_alias = true; ', 'reserved 2; ', 'reserved 10 to max; '),
    )
    .map(([before, list, extra]) => {
      const values = list.map((number, index) => `${before}X${index} = ${number};`)
      return `enum ${name} { ${syntax === 'proto2' ? extra : extra.replace('reserved 2; ', '')}${values.join(' ')} }`
    })
}

function message(syntax: Syntax, name: string, depth: number): fc.Arbitrary<string> {
  const extra = fc.constantFrom(
    '',
    '',
    '',
    'reserved 100 to 110, 120; ',
    'reserved 4; ',
    'option deprecated = true; ',
    ...(syntax === 'proto2' ? ['extensions 200 to 300; ', 'extensions 4 to 5; '] : []),
    ...(syntax === '2023' ? ['reserved old; ', 'extensions 200 to max; '] : ['reserved "old"; ', 'reserved "a"; ']),
  )
  return fc
    .tuple(numbered, fc.nat({ max: 3 }), extra)
    .chain(([parts, inOneof, before]) => {
      const [first, rest] = [parts.slice(0, inOneof), parts.slice(inOneof)]
      const members = [
        ...rest.map((part) => field(syntax, part)),
        ...(first.length > 0 ? [oneof(syntax, 'o', first)] : []),
        ...(depth > 0
          ? [
              fc.oneof(
                fc.constant(''),
                fc.constantFrom(...messageNames).chain((one) => message(syntax, one, depth - 1)),
              ),
            ]
          : []),
        fc.oneof({ arbitrary: fc.constant(''), weight: 3 }, { arbitrary: enumeration(syntax, 'E'), weight: 1 }),
      ]
      return fc
        .tuple(...members)
        .chain((texts) =>
          fc.shuffledSubarray(texts, { minLength: texts.length }).map((shuffled) => ({ before, shuffled })),
        )
    })
    .map(
      ({ before, shuffled }) =>
        `message ${name} {\n  ${before}${shuffled.filter((text) => text !== '').join('\n  ')}\n}`,
    )
}

const extend = (syntax: Syntax): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom('A', 'B', 'google.protobuf.FieldOptions'),
      label(syntax),
      fc.constantFrom(...typeNames),
      fc.constantFrom(200, 201, 50000, 4),
    )
    .map(([target, before, type, number]) => `extend ${target} { ${before}${type} ext = ${number}; }`)

const service = fc
  .tuple(fc.constantFrom('A', 'B', 'E', 'int32'), fc.constantFrom('A', '.p.A', 'stream B'))
  .map(([input, output]) => `service S { rpc Do (${input}) returns (${output}); }`)

/** A file that imports two known ones; about half of them follow all rules. */
export const protoText: fc.Arbitrary<string> = fc.constantFrom<Syntax>('proto2', 'proto3', '2023').chain((syntax) =>
  fc
    .tuple(
      fc.constantFrom('p', 'p', ''),
      message(syntax, 'A', 1),
      message(syntax, 'B', 1),
      enumeration(syntax, 'E'),
      oftenOr(fc.constant(''), extend(syntax)),
      oftenOr(fc.constant(''), service),
      fc.oneof(
        { arbitrary: fc.constant('message C {}'), weight: 5 },
        { arbitrary: message(syntax, 'C', 0), weight: 1 },
      ),
      fc.constantFrom('', '', 'option java_package = "x";', 'option optimize_for = SPEED;'),
    )
    .map(([name, ...parts]) => {
      const head = syntax === '2023' ? 'edition = "2023";' : `syntax = "${syntax}";`
      const imports = 'import "google/protobuf/timestamp.proto";\nimport "google/protobuf/descriptor.proto";'
      return [head, name === '' ? '' : `package ${name};`, imports, ...parts].filter((part) => part !== '').join('\n')
    }),
)
