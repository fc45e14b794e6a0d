import { describe, expect, it } from 'vitest'
import { protobufFormat } from './protobuf.ts'
import type { NamedReference } from './types.ts'

const file = (body: string): string => `syntax = "proto3"; ${body}`
const refer = (name: string, schema: string, references: NamedReference[] = []): NamedReference => ({
  reference: { name, subject: name, version: 1 },
  schema,
  references,
})
const parse = (schema: string, named: NamedReference[]) => {
  const all = (list: readonly NamedReference[]): NamedReference[] =>
    list.flatMap((one) => [...all(one.references), one])
  return protobufFormat.parse({ schema, schemaType: 'PROTOBUF' }, all(named), false, named)
}

describe('references of the same name', () => {
  const old = refer('common.proto', file('message Common {}'))
  const recent = refer('common.proto', file('message Common {} message Recent {}'))
  const other = refer('other.proto', file('import "common.proto"; message Other { Common c = 1; }'), [old])
  const text = file('import "common.proto"; import "other.proto"; message A { Recent r = 1; Other o = 2; }')

  it('mean the one that the schema itself names, wherever that is in its list', () => {
    expect(parse(text, [recent, other]).canonical).toContain('Recent r = 1;')
    expect(parse(text, [other, recent]).canonical).toContain('Recent r = 1;')
  })

  it('mean the first of those that are as near', () => {
    const second = refer('second.proto', file('import "common.proto"; message Second { Recent r = 1; }'), [recent])
    const both = file('import "second.proto"; import "other.proto"; message A { Second s = 1; Other o = 2; }')
    expect(parse(both, [second, other]).canonical).toContain('Second s = 1;')
    expect(() => parse(both, [other, second])).toThrow('second.proto:1:60: "Recent" is not defined.')
  })
})

it('one schema may be referred to by two names', () => {
  const common = refer('common.proto', file('message Common {}'))
  const again = { ...common, reference: { ...common.reference, name: 'dir/common.proto' } }
  const text = (name: string): string => file(`import "${name}"; message A { Common c = 1; }`)
  for (const name of ['common.proto', 'dir/common.proto']) {
    // The closure has the schema once.
    const parsed = protobufFormat.parse({ schema: text(name) }, [common], false, [common, again])
    expect(parsed.canonical).toContain(`import "${name}";`)
  }
})

it('references that share what they refer to in many layers are read once each', () => {
  let layer = [refer('l0.proto', file('message L0 {}'))]
  for (let index = 1; index <= 60; index++) {
    const imports = `import "l${index - 1}.proto"; message L${index} {}`
    layer = [
      refer(`l${index}.proto`, file(imports), layer),
      refer(`m${index}.proto`, file(`message M${index} {}`), layer),
    ]
  }
  const schema = file('import "l60.proto"; message A { L60 a = 1; }')
  expect(protobufFormat.parse({ schema }, [], false, layer).canonical).toContain('L60 a = 1;')
})
