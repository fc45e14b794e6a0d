import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readIncompatibility } from '@selfmonitor/registry'
import { describe, expect, it, onTestFinished } from 'vitest'
import { selfmonitor } from '../test-io.ts'
import { reasons } from './schemas.ts'

describe('why a schema is incompatible', () => {
  it('is said without the old schema’s text, with the version and the level it was compared under', () => {
    const messages = [
      `{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'tenant' has no default value', additionalInfo:'tenant'}`,
      '{oldSchemaVersion: 3}',
      `{oldSchema: '{"type":"record","name":"A","fields":[]}'}`,
      `{validateFields: 'false', compatibility: 'BACKWARD'}`,
    ]
    expect(reasons(readIncompatibility(messages), ({ description }) => description)).toBe(
      "  The field 'tenant' has no default value\n  (version 3, BACKWARD)",
    )
  })

  it('is labelled with its direction under FULL, which asks for both', () => {
    const missing = (field: string, reader: string, writer: string): string =>
      `{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field '${field}' at path '/fields/0' in the ${reader} schema has no default value and is missing in the ${writer} schema', additionalInfo:'${field}'}`
    const messages = [missing('tenant', 'new', 'old'), missing('id', 'old', 'new'), "{compatibility: 'FULL'}"]
    expect(reasons(readIncompatibility(messages), ({ description }) => description)).toBe(
      [
        '  records of the old schema, read with the new one (BACKWARD):',
        "    The field 'tenant' at path '/fields/0' in the new schema has no default value and is missing in the old schema",
        '  records of the new schema, read with the old one (FORWARD):',
        "    The field 'id' at path '/fields/0' in the old schema has no default value and is missing in the new schema",
        '  (FULL)',
      ].join('\n'),
    )
  })

  it('is said as the registry does where that is another one’s wording', () => {
    expect(reasons(readIncompatibility(['no good']), ({ description }) => description)).toBe('  no good')
  })
})

describe('a version that a subject does not have', () => {
  it('is not reported as a missing subject when the registry fails to list the versions', async () => {
    const server = createServer((request, response) => {
      const [status, body] =
        request.url === '/subjects'
          ? [200, ['orders-value']]
          : request.url!.startsWith('/subjects/orders-value/versions/9')
            ? [404, { error_code: 40402, message: 'Version 9 not found.' }]
            : [500, { error_code: 50001, message: 'Error in the backend data store' }]
      response.writeHead(status as number, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const env = { SCHEMA_REGISTRY_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
    const answer = await selfmonitor(['schemas', 'get', 'orders-value', '--version', '9'], { env })
    expect(answer).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('backend data store') })
    expect(answer.stderr).not.toContain('There is no subject')
  })
})
