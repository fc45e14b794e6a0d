// What holds for every .proto file, tried on random ones. protoc is the judge.
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { protoText } from '../test-support/arbitrary-proto.ts'
import { comparable, openProtoc, protocMissing } from '../test-support/protoc.ts'
import {
  checkFile,
  describeFile,
  importsFrom,
  type LinkedFile,
  linkText,
  normalizeProto,
  ProtobufError,
  parseProto,
  printProto,
  readDescriptor,
} from './index.ts'

const none = new Map<string, string>()

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
    ['a number of a million digits', `message A { int32 a = ${'1'.repeat(1e6)}; }`, 'out of range'],
  ])('of %s is read or refused without a crash', (_, text, problem) => {
    const found = accept(`syntax = "proto3"; ${text}`)
    if (problem === undefined) expect(found).not.toBeInstanceOf(ProtobufError)
    else expect((found as ProtobufError).message).toContain(problem)
  })
})
