// Malformed requests: each gets an error in the registry's form, and the server continues.
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { type Broker, startBroker } from '@selfmonitor/broker'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ownTopic, startTestRegistry, type TestRegistry } from '../test-support/app.ts'
import type { RegistryServer } from '../types.ts'
import { startRegistry } from './start.ts'

describe('malformed requests', () => {
  let broker: Broker
  let registry: TestRegistry
  let server: RegistryServer
  beforeAll(async () => {
    broker = await startBroker()
    registry = await startTestRegistry(broker.bootstrapServers)
    server = await startRegistry({
      bootstrapServers: broker.bootstrapServers,
      topic: ownTopic(),
      port: 0,
      requestTimeoutMs: 500,
    })
  })
  afterAll(async () => {
    await server.close()
    await registry.close()
    await broker.close()
  })

  it('of random paths and bodies are answered with 2xx or a 4xx error body', async () => {
    const segment = fc.oneof(
      fc.constantFrom(
        'subjects',
        'schemas',
        'ids',
        'versions',
        'config',
        'mode',
        'compatibility',
        'latest',
        '-1',
        '1',
        'schema',
        'referencedby',
        'contexts',
        '.lab',
        ':.lab:s',
        ':.__GLOBAL:',
        ':.:',
      ),
      fc.string({ unit: 'binary', maxLength: 5 }).map((text) => encodeURIComponent(text.toWellFormed())),
    )
    const path = fc.array(segment, { maxLength: 6 }).map((parts) => `/${parts.join('/')}`)
    const query = fc.constantFrom(
      '',
      '?deleted=true',
      '?permanent=x',
      '?offset=-5&limit=2',
      '?normalize=true&verbose=true',
      '?=&&',
      '?limit=1&limit=2',
    )
    const body = fc.oneof(
      fc.json(),
      fc.string(),
      fc.json().map((schema) => JSON.stringify({ schema })),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
        path,
        query,
        body,
        async (method, to, asked, sent) => {
          const answer = await registry.call(method as 'GET', to + asked, method === 'GET' ? undefined : sent)
          expect(answer.status, `${method} ${to}${asked} ${sent}: ${answer.text}`).toBeLessThan(500)
          if (answer.status >= 400) {
            expect(answer.body).toEqual({ error_code: expect.any(Number), message: expect.any(String) })
          }
        },
      ),
      { numRuns: 400 },
    )
    expect((await registry.call('GET', '/subjects')).status).toBe(200)
  })

  it('whose path cannot be decoded is a 400', async () => {
    const answer = await registry.call('GET', '/subjects/%zz/versions')
    expect([answer.status, (answer.body as { error_code: number }).error_code]).toEqual([400, 400])
  })

  const head = (line: string, ...headers: string[]) =>
    `${[line, 'Host: localhost', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`

  const json = 'Content-Type: application/json'

  it.each([
    ['are not HTTP', '\u0000\u0003 not http at all\r\n\r\n', 400],
    ['have no Host', 'GET /subjects HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    [
      'have the Host of somebody else',
      'GET /subjects HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
      403,
    ],
    ['come from a page of another origin', head('GET /subjects HTTP/1.1', 'Origin: https://evil.example'), 403],
    ['have headers without end', head('GET /subjects HTTP/1.1', `X: ${'x'.repeat(20_000)}`), 431],
    ['have half a body', `${head('POST /subjects/a/versions HTTP/1.1', json, 'Content-Length: 10')}half`, 408],
    ['have a body that is too large', head('POST /subjects/a/versions HTTP/1.1', 'Content-Length: 10485761'), 413],
    ['have a method that does not exist', head('BREW /subjects HTTP/1.1'), 400],
    ['have a method of others', head('PROPFIND /subjects HTTP/1.1'), 405],
  ])('that %s are answered in the form of the registry', async (_name, bytes, status) => {
    const { host, port } = server.address
    const socket = connect(port, host)
    socket.write(bytes)
    const answer = await text(socket)
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(answer).toMatch(/\r\ncontent-type: application\/vnd\.schemaregistry\.v1\+json\r\n/)
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toEqual({
      error_code: status,
      message: expect.any(String),
    })
    expect((await fetch(`${server.url}/subjects`)).status).toBe(200)
  })
})
