import { createFileRegistry, fromBinary, toBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { describe, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { useRegistry } from '../test-support/api.ts'

const proto = { schemaType: 'PROTOBUF' }
const order = (body: string) => `syntax = "proto3";\npackage acme;\n\nmessage Order {\n${body}}\n`

describeEngines('Protobuf in the registry', (engine) => {
  const { subjectName, call, get, put, register, idOf, fails } = useRegistry(engine)
  const check = (subject: string, schema: string, query = '') =>
    call('POST', `/compatibility/subjects/${subject}/versions/latest${query}`, { schema, ...proto })
  const textOf = async (subject: string, query = '') =>
    (await get(`/subjects/${subject}/versions/1/schema${query}`)).text

  describe('registering', () => {
    it('stores the canonical text: no comments, parts in order, names as they are', async () => {
      const subject = subjectName()
      const id = await idOf(
        subject,
        'syntax="proto3"; // first\npackage acme;option java_package="com.acme";import "google/protobuf/timestamp.proto";\n' +
          'enum State{NEW=0;} /* then */ message Order{message Line{int32 n=1;} repeated Line lines=2;string id=1;' +
          'oneof by{google.protobuf.Timestamp at=3;} State state=0x4 [deprecated=true,json_name="s"];}',
        proto,
      )
      expect((await get(`/schemas/ids/${id}`)).body).toMatchObject({
        schemaType: 'PROTOBUF',
        schema: `syntax = "proto3";
package acme;

import "google/protobuf/timestamp.proto";

option java_package = "com.acme";

message Order {
  repeated Line lines = 2;
  string id = 1;
  State state = 4 [
    deprecated = true,
    json_name = "s"
  ];

  oneof by {
    google.protobuf.Timestamp at = 3;
  }

  message Line {
    int32 n = 1;
  }
}
enum State {
  NEW = 0;
}
`,
      })
    })

    it('gives one id to texts that differ in spaces and comments, and finds them', async () => {
      const [a, b] = [subjectName(), subjectName()]
      const id = await idOf(a, order('  string id = 1;\n'), proto)
      expect(await idOf(b, `// a comment\n${order('string id=1;')}`, proto)).toBe(id)
      const found = await call('POST', `/subjects/${a}`, { schema: order('string id=1; // x\n'), ...proto })
      expect(found.body).toMatchObject({ subject: a, version: 1, id, schemaType: 'PROTOBUF' })
    })

    it('gives one id to schemas that mean the same when it normalises', async () => {
      const subject = subjectName()
      const normalized = (schema: string) =>
        call('POST', `/subjects/${subject}/versions?normalize=true`, { schema, ...proto })
      const first = await normalized(
        'syntax = "proto3"; package acme; option java_package = "a"; option go_package = "b"; message A { B b = 2; string a = 1; } message B {}',
      )
      const second = await normalized(
        'syntax = "proto3"; package acme; option go_package = "b"; option java_package = "a"; message A { string a = 1; .acme.B b = 2 [json_name = "b"]; } message B {}',
      )
      expect([first.status, second.body]).toEqual([200, first.body])
      expect(await textOf(subject)).toContain('  string a = 1;\n  .acme.B b = 2;\n')
    })

    it('takes the base64 of a descriptor, and gives one', async () => {
      const [a, b] = [subjectName(), subjectName()]
      const id = await idOf(a, order('  string id = 1;\n  Order parent = 2;\n'), proto)
      const serialized = await textOf(a, '?format=serialized')
      const file = fromBinary(FileDescriptorProtoSchema, Buffer.from(serialized, 'base64'))
      expect(
        createFileRegistry(file, () => undefined)
          .getMessage('acme.Order')
          ?.fields.map(({ name }) => name),
      ).toEqual(['id', 'parent'])
      file.name = 'other.proto'
      const again = Buffer.from(toBinary(FileDescriptorProtoSchema, file)).toString('base64')
      expect(await idOf(b, again, proto)).not.toBe(id)
      expect(await textOf(b)).toBe(order('  string id = 1;\n  .acme.Order parent = 2;\n'))
      expect(
        (await call('POST', `/subjects/${a}?normalize=true`, { schema: again, ...proto })).body,
        'the descriptor names types in full, as normalising does',
      ).toMatchObject({ error_code: 40403 })
    })

    it('leaves extensions out where they are to be ignored', async () => {
      const subject = subjectName()
      await idOf(
        subject,
        'syntax = "proto3"; import "google/protobuf/descriptor.proto"; extend google.protobuf.FieldOptions { string tag = 50000; } message A { string a = 1 [(tag) = "PII", deprecated = true]; }',
        proto,
      )
      expect(await textOf(subject, '?format=ignore_extensions')).toBe(
        'syntax = "proto3";\n\nimport "google/protobuf/descriptor.proto";\n\nmessage A {\n  string a = 1 [deprecated = true];\n}\n',
      )
      expect(await textOf(subject)).toContain('(tag) = "PII"')
    })

    it('finds imports by the names of references, and theirs by their own', async () => {
      const [base, middle, top] = [subjectName(), subjectName(), subjectName()]
      await idOf(base, 'syntax = "proto3"; package b; message Base { int32 a = 1; }', proto)
      const toBase = { references: [{ name: 'base.proto', subject: base, version: 1 }] }
      await idOf(middle, 'syntax = "proto3"; package m; import public "base.proto"; message M { b.Base b = 1; }', {
        ...proto,
        ...toBase,
      })
      const toMiddle = { references: [{ name: 'dir/middle.proto', subject: middle, version: 1 }] }
      const text = 'syntax = "proto3"; import "dir/middle.proto"; message T { m.M m = 1; b.Base b = 2; }'
      await idOf(top, text, { ...proto, ...toMiddle })
      await fails(register(subjectName(), text, proto), 422, 42201, /Import "dir\/middle.proto" was not found/)
      expect((await get(`/subjects/${base}/versions/1/referencedby`)).body).toHaveLength(1)
    })

    it.each([
      ['an unknown type', order('  Strin id = 1;\n'), '5:3: "Strin" is not defined.'],
      ['a number twice', order('  string a = 1;\n  string b = 1;\n'), '6:14: Field number 1 has already been used'],
      ['a syntax error', order('  string a = ;\n'), '5:14: Expected field number.'],
      ['another language', '{"type":"string"}', '1:1: Expected top-level statement'],
      ['bytes that are not a descriptor', 'AAAA', 'The schema is not a FileDescriptorProto'],
    ])('refuses %s with its place', async (_, schema, problem) => {
      const { status, body } = await register(subjectName(), schema, proto)
      expect({ status, ...(body as object) }).toMatchObject({ status: 422, error_code: 42201 })
      expect((body as { message: string }).message).toContain(`details: ${problem}`)
    })
  })

  describe('compatibility', () => {
    it('refuses an incompatible schema with every reason, its type and its path', async () => {
      const subject = subjectName()
      await idOf(subject, `${order('  string id = 1;\n  int32 n = 2;\n')}message Other {}`, proto)
      const { status, body } = await register(subject, order('  int32 id = 1;\n  repeated int32 n = 2;\n'), proto)
      expect(status).toBe(409)
      const { error_code, message } = body as { error_code: number; message: string }
      expect(error_code).toBe(40901)
      expect(message).toContain(
        'details: [{errorType:"FIELD_SCALAR_KIND_CHANGED", description:"The kind of a SCALAR field at path \'#/Order/1\' in the new schema does not match its kind in the old schema"}, ' +
          '{errorType:"FIELD_NUMERIC_LABEL_CHANGED", description:"The label of a numeric field at path \'#/Order/2\' in the new schema does not match its label in the old schema"}, ' +
          '{errorType:"MESSAGE_REMOVED", description:"The new schema is missing a field of type MESSAGE at path \'#/Other\' in the old schema"}, {oldSchemaVersion: 1}',
      )
    })

    it('takes what the level allows, in both directions', async () => {
      const subject = subjectName()
      await idOf(subject, order('  string id = 1;\n'), proto)
      const more = `${order('  string id = 1;\n  int32 n = 2;\n')}message New {}`
      expect((await check(subject, more)).body).toEqual({ is_compatible: true })
      await put(`/config/${subject}`, { compatibility: 'FULL' })
      const { body } = await check(subject, more, '?verbose=true')
      expect(body).toMatchObject({ is_compatible: false })
      expect((body as { messages: string[] }).messages[0]).toBe(
        '{errorType:"MESSAGE_REMOVED", description:"The old schema is missing a field of type MESSAGE at path \'#/New\' in the new schema"}',
      )
    })
  })
})
