// What holds for every .proto file, tried on random ones. protoc is the judge.
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { protoText } from '../test-support/arbitrary-proto.ts'
import { comparable, openProtoc, protocMissing } from '../test-support/protoc.ts'
import {
  checkFile,
  describeFile,
  fileMessages,
  importsFrom,
  isBase64,
  type LinkedFile,
  linkText,
  type Message,
  membersOf,
  nestedMessages,
  normalizeProto,
  ProtobufError,
  parseProto,
  printProto,
  readDescriptor,
} from './index.ts'

const none = new Map<string, string>()

/** The names of all messages, in the order by which records name them. */
function messageOrder(messages: readonly Message[]): unknown[] {
  return messages.map((message) => [message.name, messageOrder(nestedMessages(message))])
}

/** @returns undefined for a text that breaks a rule */
function accept(text: string): LinkedFile | ProtobufError {
  try {
    const linked = linkText(text, none)
    checkFile(linked)
    return linked
  } catch (error) {
    if (error instanceof ProtobufError) return error
    throw error
  }
}

describe.skipIf(protocMissing !== null)('every .proto file', () => {
  const protoc = openProtoc()
  afterAll(() => protoc.close())

  it('is accepted exactly when protoc accepts it, with the same descriptor, and so are its other forms', () => {
    const counts = { accepted: 0, refused: 0 }
    fc.assert(
      fc.property(protoText, (text) => {
        const ours = accept(text)
        const theirs = protoc.compile({ 'test.proto': text })
        const said = ours instanceof ProtobufError ? [ours.message] : []
        if (said.length > 0 !== theirs.errors.length > 0)
          throw new Error(JSON.stringify({ ours: said, protoc: theirs.errors }))
        counts[said.length > 0 ? 'refused' : 'accepted']++
        if (ours instanceof ProtobufError) return
        const wanted = comparable(theirs.descriptors.get('test.proto')!)
        expect(comparable(describeFile(ours, ''))).toEqual(wanted)
        const forms = [printProto(ours.file), printProto(readDescriptor(describeFile(ours, ''), importsFrom(none)))]
        for (const form of forms) {
          const linked = accept(form)
          if (linked instanceof ProtobufError) throw new Error(`${form}\n${linked.message}`)
          expect(comparable(describeFile(linked, ''))).toEqual(wanted)
        }
      }),
      { numRuns: 150 },
    )
    expect(counts.accepted).toBeGreaterThan(5)
    expect(counts.refused).toBeGreaterThan(20)
  }, 120_000)
})

describe('every accepted .proto file', () => {
  it('has a canonical text and a normal form that are their own', () => {
    fc.assert(
      fc.property(protoText, (text) => {
        const linked = accept(text)
        if (linked instanceof ProtobufError) return
        const canonical = printProto(linked.file)
        expect(printProto(parseProto(canonical))).toBe(canonical)
        const normal = printProto(normalizeProto(linked))
        const again = accept(normal)
        if (again instanceof ProtobufError) throw new Error(`${normal}\n${again.message}`)
        expect(printProto(normalizeProto(again))).toBe(normal)
      }),
      { numRuns: 300 },
    )
  })
})

describe('the order of messages, by which records name them,', () => {
  const group = (name: string, number: number): string => `optional group ${name} = ${number} { optional int32 x = 1; }`
  const piece = fc.constantFrom<(name: string, number: number) => string>(
    (name) => `message ${name} {}`,
    (name) => `enum ${name} { V${name} = 0; }`,
    (name, number) => `extend A { ${group(name, number)} }`,
    (name, number) => `extend B { ${group(name, number)} optional int32 y${number} = ${number + 20}; }`,
    (_, number) => `extend A { optional int32 x${number} = ${number}; }`,
    (_, number) => `extend B { optional int32 x${number} = ${number}; }`,
  )
  const member = fc.constantFrom<(name: string, number: number) => string>(
    (name) => `message ${name} {}`,
    group,
    (name, number) =>
      `oneof o${200 - number} { ${group(name, number).slice('optional '.length)} int32 z${number} = ${number - 10}; }`,
    (_, number) => `oneof o${200 - number} { int32 z${number} = ${number}; }`,
    (_, number) => `optional int32 x${number} = ${number};`,
    (name, number) => `extend A { ${group(name, number)} }`,
  )
  const body = (of: typeof piece, names: string, start: number) =>
    fc
      .tuple(fc.array(of, { maxLength: 6 }), fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 }))
      .map(([pieces, numbers]) =>
        pieces.map((one, index) => one(`${names}${index}`, start + numbers[index]!)).join(' '),
      )

  it('is that of the text in the canonical text and in the normal form', () => {
    const extendable = 'message A { extensions 100 to 200; } message B { extensions 100 to 200; }'
    const text = fc
      .tuple(body(piece, 'P', 100), body(member, 'M', 120))
      .map(([pieces, members]) => `syntax = "proto2"; ${pieces} message C { ${members} } ${extendable}`)
    fc.assert(
      fc.property(text, (one) => {
        const linked = linkText(one, none)
        const wanted = messageOrder(fileMessages(linked.file))
        const canonical = printProto(linked.file)
        expect(messageOrder(fileMessages(parseProto(canonical)))).toEqual(wanted)
        expect(printProto(parseProto(canonical))).toBe(canonical)
        const normal = printProto(normalizeProto(linked))
        expect(messageOrder(fileMessages(parseProto(normal)))).toEqual(wanted)
        expect(printProto(normalizeProto(linkText(normal, none)))).toBe(normal)
      }),
      { numRuns: 500 },
    )
  })

  it('is kept where extensions and oneofs between messages are sorted', () => {
    const extend = (name: string, number: number) => `extend ${name} { optional int32 x${number} = ${number}; }`
    const text = `syntax = "proto2"; message Z { extensions 1 to 9; } ${extend('Z', 1)} message M { oneof z { int32 a = 1; } message Q {} oneof b { int32 c = 2; } message P {} } ${extend('A', 2)} message A { extensions 1 to 9; }`
    const linked = linkText(text, none)
    const normal = normalizeProto(linked)
    expect(messageOrder(fileMessages(normal))).toEqual([
      ['Z', []],
      [
        'M',
        [
          ['Q', []],
          ['P', []],
        ],
      ],
      ['A', []],
    ])
    const extendees = normal.declarations.flatMap((one) => (one.kind === 'extend' ? one.extendee.name : []))
    expect(extendees).toEqual(['.A', '.Z'])
    expect(membersOf(fileMessages(normal)[1]!, 'oneof').map(({ name }) => name)).toEqual(['b', 'z'])
  })
})

describe('any text at all', () => {
  const pieces = fc.constantFrom(
    ...[
      'syntax',
      '=',
      '"proto3"',
      ';',
      'message',
      'A',
      '{',
      '}',
      'int32',
      '1',
      '[',
      ']',
      '(',
      ')',
      '.',
      '<',
      '>',
      ',',
      '-',
    ],
    ...[
      'option',
      'oneof',
      'map',
      'extend',
      'reserved',
      'to',
      'max',
      'enum',
      "'\\x",
      '/*',
      '//',
      '\n',
      '0x',
      '1e',
      'group',
      ':',
    ],
  )

  it('is refused with a reason, never with a crash', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces, { maxLength: 40 }).map((list) => list.join(' ')),
    )
    fc.assert(
      fc.property(text, (one) => void accept(one)),
      { numRuns: 3000 },
    )
  })

  it('with the name of a property of every object as a default is refused', () => {
    const found = accept('syntax = "proto2"; message A { optional float a = 1 [default = constructor]; }')
    expect((found as ProtobufError).message).toMatch(/Value must be number|Expected number/)
  })

  it('is base64 only of its characters and spaces, also where there are many', () => {
    expect(['AAAA', 'AA==\n', ' AA A= \n'].map(isBase64)).toEqual([true, true, true])
    // Quadratic work on this text would take longer than the test may.
    expect(['A=A', `A${' '.repeat(1e6)};`, `A${' '.repeat(1e6)}=;`].map(isBase64)).toEqual([false, false, false])
  })

  it('as bytes of a descriptor is refused with a reason, never with a crash', () => {
    const valid = describeFile(
      linkText('syntax = "proto3"; message A { map<string, A> a = 1; oneof o { int32 b = 2; } }', none),
      '',
    )
    const broken = fc
      .tuple(fc.nat({ max: valid.length - 1 }), fc.nat({ max: 255 }), fc.nat({ max: valid.length }))
      .map(([index, byte, end]) => {
        const bytes = Buffer.from(valid)
        bytes[index] = byte
        return bytes.subarray(0, end)
      })
    const bytes = fc.oneof(
      broken,
      fc.uint8Array({ maxLength: 60 }).map((list) => Buffer.from(list)),
    )
    fc.assert(
      fc.property(bytes, (one) => {
        try {
          accept(printProto(readDescriptor(one, importsFrom(none))))
        } catch (error) {
          expect(error).toBeInstanceOf(ProtobufError)
        }
      }),
      { numRuns: 3000 },
    )
  })

  it.each([
    ['a string of 9 MB', `option java_package = "${'a'.repeat(9e6)}";`, undefined],
    ['100,000 messages in each other', 'message A {'.repeat(100_000), 'Reached maximum recursion limit'],
    ['100,000 literals in each other', `option (a) = ${'{a:'.repeat(100_000)}`, 'too deep'],
    ['a package of 50,000 parts', `package a${'.a'.repeat(50_000)};`, 'name of the package is too long'],
    ['a package of 101 parts', `package a${'.a'.repeat(100)};`, 'name of the package is too long'],
    ['a package of 100 parts', `package a${'.a'.repeat(99)};`, undefined],
    ['a package of one part that is too long', `package ${'a'.repeat(1001)};`, 'name of the package is too long'],
    [
      'a long name around 10,000 others',
      `message A${'a'.repeat(1000)} { enum E { ${Array.from({ length: 10_000 }, (_, index) => `V${index} = ${index};`).join(' ')} } }`,
      'has more than 1000 characters',
    ],
    ['two million semicolons', ';'.repeat(2e6), 'more than 500000 tokens'],
    ['a number of a million digits', `message A { int32 a = ${'1'.repeat(1e6)}; }`, 'out of range'],
  ])('of %s is read or refused without a crash', (_, text, problem) => {
    const found = accept(`syntax = "proto3"; ${text}`)
    if (problem === undefined) expect(found).not.toBeInstanceOf(ProtobufError)
    else expect((found as ProtobufError).message).toContain(problem)
  })
})
