// A line for each change: what a reader of the new schema makes of records of the old one.
import { describe, expect, it } from 'vitest'
import { linkText } from '../../protobuf/index.ts'
import { checkProtobufReader, describeProtobufProblem } from './index.ts'

type References = Readonly<Record<string, string>>

function problems(writer: string, reader: string, references: [References, References] = [{}, {}]): string[] {
  const link = (text: string, index: 0 | 1) => linkText(text, new Map(Object.entries(references[index])))
  return checkProtobufReader(link(reader, 1), link(writer, 0)).map(({ type, path }) => `${type} ${path}`)
}

const proto3 = (body: string): string => `syntax = "proto3"; package p; ${body}`
const proto2 = (body: string): string => `syntax = "proto2"; package p; ${body}`
const m = (body: string): string =>
  proto3(`message M { ${body} } message N { int32 x = 1; } message O {} enum E { Z = 0; }`)
const m2 = (body: string): string => proto2(`message M { ${body} }`)

describe('a change that keeps what was written', () => {
  it.each([
    ['nothing', m('int32 a = 1;'), m('int32 a = 1;')],
    ['a field more', m('int32 a = 1;'), m('int32 a = 1; string b = 2;')],
    ['a field less', m('int32 a = 1; string b = 2;'), m('int32 a = 1;')],
    ['a map less', m('map<string, string> a = 1;'), m('')],
    ['another name of a field', m('int32 a = 1;'), m('int32 b = 1;')],
    ['another number of a field', m('int32 a = 1;'), m('int32 a = 2;')],
    [
      'integers of one kind',
      m('int32 a = 1; sint32 b = 2; fixed32 c = 3; fixed64 d = 4;'),
      m('uint64 a = 1; sint64 b = 2; sfixed32 c = 3; sfixed64 d = 4;'),
    ],
    ['a boolean that becomes a number', m('bool a = 1;'), m('int64 a = 1;')],
    ['a string that becomes bytes', m('string a = 1;'), m('bytes a = 1;')],
    ['an enum that becomes a number', m('E a = 1;'), m('int32 a = 1;')],
    ['a string that becomes a list', m('string a = 1; N b = 2;'), m('repeated string a = 1; repeated N b = 2;')],
    ['a list of strings that becomes one', m('repeated string a = 1;'), m('string a = 1;')],
    ['optional', m('int32 a = 1;'), m('optional int32 a = 1;')],
    ['a message more', proto3('message M {}'), proto3('message M {} message X {}')],
    ['messages in another order', proto3('message M {} message X {}'), proto3('message X {} message M {}')],
    [
      'an enum less and its values changed',
      proto3('enum E { A = 0; B = 1; } enum F { C = 0; }'),
      proto3('enum E { A = 0; X = 2; }'),
    ],
    ['a name that is written in full', m('N a = 1;'), m('.p.N a = 1;')],
    [
      'one field that moves into a new oneof',
      m('int32 a = 1; int32 b = 2;'),
      m('int32 a = 1; oneof o { int32 b = 2; int32 c = 3; }'),
    ],
    ['a field more in a oneof', m('oneof o { int32 a = 1; }'), m('oneof o { int32 a = 1; int32 b = 2; }')],
    ['another name of a oneof', m('oneof o { int32 a = 1; int32 b = 2; }'), m('oneof q { int32 a = 1; int32 b = 2; }')],
    [
      'a oneof whose fields stay, without it',
      m('oneof o { int32 a = 1; int32 b = 2; }'),
      m('int32 a = 1; int32 b = 2;'),
    ],
    ['required that becomes optional', m2('required int32 a = 1;'), m2('optional int32 a = 1;')],
    ['another syntax', m2('optional int32 a = 1;'), proto3('message M { int32 a = 1; }')],
    ['services', proto3('message M {} service S { rpc A (M) returns (M); }'), proto3('message M {}')],
    ['a message that has itself', m('M a = 1; N b = 2;'), m('M a = 1; N b = 2; int32 c = 3;')],
  ])('%s', (_, writer, reader) => {
    expect(problems(writer, reader)).toEqual([])
  })
})

describe('a change that loses or misreads what was written', () => {
  it.each([
    ['the package', proto3('message M {}'), 'syntax = "proto3"; package q; message M {}', ['PACKAGE_CHANGED #/']],
    [
      'the package, and names that follow it',
      m('N a = 1;'),
      m('.p.N a = 1;')
        .replaceAll(/package p|\.p\./g, (one) => one.replace('p', 'q'))
        .replace('qackage p', 'package q'),
      ['PACKAGE_CHANGED #/'],
    ],
    [
      'a message less',
      proto3('message M { message I {} } message X {}'),
      proto3('message M {}'),
      ['MESSAGE_REMOVED #/M/I', 'MESSAGE_REMOVED #/X'],
    ],
    ['a scalar of another kind', m('int32 a = 1;'), m('string a = 1;'), ['FIELD_SCALAR_KIND_CHANGED #/M/1']],
    ['zigzag', m('int32 a = 1;'), m('sint32 a = 1;'), ['FIELD_SCALAR_KIND_CHANGED #/M/1']],
    ['float and double', m('float a = 1;'), m('double a = 1;'), ['FIELD_SCALAR_KIND_CHANGED #/M/1']],
    ['a number that becomes a message', m('int32 a = 1;'), m('N a = 1;'), ['FIELD_KIND_CHANGED #/M/1']],
    ['a message that becomes bytes', m('N a = 1;'), m('bytes a = 1;'), ['FIELD_KIND_CHANGED #/M/1']],
    ['a map that becomes a string', m('map<string, string> a = 1;'), m('string a = 1;'), ['FIELD_KIND_CHANGED #/M/1']],
    ['another message', m('N a = 1;'), m('O a = 1;'), ['FIELD_NAMED_TYPE_CHANGED #/M/1']],
    [
      'a number that becomes a list',
      m('int32 a = 1;'),
      m('repeated int32 a = 1;'),
      ['FIELD_NUMERIC_LABEL_CHANGED #/M/1'],
    ],
    ['a list of enums that becomes one', m('repeated E a = 1;'), m('E a = 1;'), ['FIELD_NUMERIC_LABEL_CHANGED #/M/1']],
    [
      'the key and the values of a map',
      m('map<string, N> a = 1;'),
      m('map<int32, O> a = 1;'),
      ['FIELD_SCALAR_KIND_CHANGED #/M/1/1', 'FIELD_NAMED_TYPE_CHANGED #/M/1/2'],
    ],
    ['a required field more', m2(''), m2('required int32 a = 1;'), ['REQUIRED_FIELD_ADDED #/M/1']],
    [
      'optional that becomes required',
      m2('optional int32 a = 1;'),
      m2('required int32 a = 1;'),
      ['REQUIRED_FIELD_ADDED #/M/1'],
    ],
    ['a required field less', m2('required int32 a = 1;'), m2(''), ['REQUIRED_FIELD_REMOVED #/M/1']],
    [
      'a field less in a oneof',
      m('oneof o { int32 a = 1; int32 b = 2; }'),
      m('oneof o { int32 a = 1; }'),
      ['ONEOF_FIELD_REMOVED #/M/o/2'],
    ],
    [
      'two fields that move into a oneof',
      m('int32 a = 1; int32 b = 2;'),
      m('oneof o { int32 a = 1; int32 b = 2; }'),
      ['MULTIPLE_FIELDS_MOVED_TO_ONEOF #/M/o'],
    ],
    [
      'a field that moves into an old oneof',
      m('int32 a = 1; oneof o { int32 b = 2; }'),
      m('oneof o { int32 a = 1; int32 b = 2; }'),
      ['MULTIPLE_FIELDS_MOVED_TO_ONEOF #/M/o'],
    ],
    [
      'two oneofs that become one',
      m('oneof o { int32 a = 1; } oneof q { int32 b = 2; }'),
      m('oneof o { int32 a = 1; int32 b = 2; }'),
      ['MULTIPLE_FIELDS_MOVED_TO_ONEOF #/M/o'],
    ],
    [
      'a field of a nested message',
      proto3('message M { message I { int32 a = 1; } }'),
      proto3('message M { message I { string a = 1; } }'),
      ['FIELD_SCALAR_KIND_CHANGED #/M/I/1'],
    ],
    [
      'a group that becomes a message',
      m2('optional group G = 1 {}'),
      m2('optional G g = 1; message G {}'),
      ['FIELD_KIND_CHANGED #/M/1'],
    ],
    [
      'DELIMITED',
      'edition = "2023"; message M { M a = 1; }',
      'edition = "2023"; message M { M a = 1 [features.message_encoding = DELIMITED]; }',
      ['FIELD_KIND_CHANGED #/M/1'],
    ],
    [
      'LEGACY_REQUIRED',
      'edition = "2023"; message M {}',
      'edition = "2023"; message M { int32 a = 1 [features.field_presence = LEGACY_REQUIRED]; }',
      ['REQUIRED_FIELD_ADDED #/M/1'],
    ],
  ])('%s', (_, writer, reader, expected) => {
    expect(problems(writer, reader)).toEqual(expected)
  })

  it('is found in an imported file, where a field uses it', () => {
    const text = 'syntax = "proto3"; import "n.proto"; message M { q.N a = 1; repeated q.N b = 2; }'
    const file = (type: string): References => ({
      'n.proto': `syntax = "proto3"; package q; message N { ${type} x = 1; N n = 2; }`,
    })
    expect(problems(text, text, [file('int32'), file('int64')])).toEqual([])
    expect(problems(text, text, [file('int32'), file('string')])).toEqual(['FIELD_SCALAR_KIND_CHANGED #/M/1/1'])
  })

  it('is said in words that name which schema reads', () => {
    const problem = { type: 'FIELD_KIND_CHANGED', path: '#/M/1', message: '' } as const
    expect(describeProtobufProblem(problem, 'old', 'new')).toBe(
      '{errorType:"FIELD_KIND_CHANGED", description:"The type of a field at path \'#/M/1\' in the old schema does not match its type in the new schema"}',
    )
  })
})
