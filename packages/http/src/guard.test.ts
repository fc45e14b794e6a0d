// The guarded server at its socket: half requests, too many, too large, and bytes that are not HTTP.
import { once } from 'node:events'
import type { IncomingMessage, RequestListener, Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type GuardOptions, guard } from './guard.ts'

let server: Server | undefined
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  server?.closeAllConnections()
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)))
  server = undefined
})

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** Answers with what it was sent. */
const echo: RequestListener = (request, response) => {
  text(request).then(
    (body) => response.end(`${request.method} ${request.url} ${body}`),
    () => response.destroy(),
  )
}

async function listen(options: Partial<GuardOptions> = {}, handler = echo): Promise<number> {
  const { serverFactory } = guard({
    listensOn: '127.0.0.1',
    allowedHostsSetting: 'the option allowedHosts',
    ...options,
  })
  server = serverFactory(handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function dial(port: number, bytes: string): Socket {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  socket.write(bytes)
  return socket
}

/** Everything that the server says until it closes the connection. */
async function untilClosed(socket: Socket): Promise<string> {
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  socket.on('error', () => {})
  await once(socket, 'close')
  return answer
}

const head = (line: string, ...headers: string[]) =>
  `${[line, 'Host: localhost', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`

describe('a guarded server', () => {
  it('passes on valid requests', async () => {
    const port = await listen()
    const response = await fetch(`http://127.0.0.1:${port}/a`, { method: 'POST', body: 'x' })
    expect([response.status, await response.text()]).toEqual([200, 'POST /a x'])
  })

  it('refuses other names and other origins before the handler sees them, in its own form', async () => {
    const seen: string[] = []
    const port = await listen(
      { render: ({ status, message }) => ({ type: 'application/json', body: JSON.stringify({ status, message }) }) },
      (request, response) => {
        seen.push(request.url!)
        response.end()
      },
    )
    const rebound = await untilClosed(
      dial(port, 'GET /rebound HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n'),
    )
    expect(rebound).toMatch(/^HTTP\/1\.1 403 Forbidden\r\ncontent-type: application\/json\r\n/)
    expect(rebound).toContain('does not answer to the host name')
    const foreign = await fetch(`http://127.0.0.1:${port}/foreign`, {
      method: 'POST',
      headers: { origin: 'https://evil.example' },
    })
    expect([foreign.status, await foreign.json()]).toMatchObject([403, { status: 403 }])
    const two = await untilClosed(dial(port, head('GET /two HTTP/1.1', 'Host: evil.example')))
    expect(two).toMatch(/^HTTP\/1\.1 400 /)
    expect(seen).toEqual([])
  })

  it('answers to names that are allowed', async () => {
    const port = await listen({ allowedHosts: ['registry.test'] })
    const answer = await untilClosed(dial(port, 'GET / HTTP/1.1\r\nHost: registry.test\r\nConnection: close\r\n\r\n'))
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  })

  it.each([
    ['bytes that are not HTTP', '\u0000\u0003 not http at all\r\n\r\n', 400],
    ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000', 400],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['an unknown method', head('BREW / HTTP/1.1'), 400],
    ['no Host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['a broken header', head('GET / HTTP/1.1', 'no colon'), 400],
    ['two lengths', head('POST / HTTP/1.1', 'Content-Length: 1', 'Content-Length: 2'), 400],
    ['a length and chunks', head('POST / HTTP/1.1', 'Content-Length: 1', 'Transfer-Encoding: chunked'), 400],
    ['headers without end', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}`, 431],
    ['a tunnel', 'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n', 405],
  ])('answers %s, and closes the connection', async (_name, bytes, status) => {
    const port = await listen()
    const answer = await untilClosed(dial(port, bytes))
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*\r\n\r\n${status} `))
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200)
  })

  it.each([
    ['whose headers do not end', 'GET / HTTP/1.1\r\nHost: loc'],
    ['whose body does not end', `${head('POST / HTTP/1.1', 'Content-Length: 10')}half`],
    ['whose chunks do not end', `${head('POST / HTTP/1.1', 'Transfer-Encoding: chunked')}4\r\nhalf\r\n`],
  ])('answers 408 to a request %s in time', async (_name, bytes) => {
    const port = await listen({ headersTimeoutMs: 100, requestTimeoutMs: 200 })
    expect(await untilClosed(dial(port, bytes))).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/)
  })

  it('closes a connection on which nothing comes', async () => {
    const port = await listen({ headersTimeoutMs: 100, requestTimeoutMs: 200 })
    await untilClosed(dial(port, ''))
  })

  it('closes a connection whose client does not read', async () => {
    const port = await listen({ idleTimeoutMs: 100 }, () => {})
    expect(await untilClosed(dial(port, head('GET / HTTP/1.1')))).toBe('')
  })

  it('does not write an error into an answer that has begun', async () => {
    const port = await listen({}, (_request, response) => void response.write('begun'))
    const socket = dial(port, head('GET / HTTP/1.1').replace('Connection: close\r\n', ''))
    await once(socket, 'data')
    const rest = untilClosed(socket)
    socket.write('not http\r\n\r\n')
    expect(await rest).not.toContain('HTTP/1.1 400')
  })

  it('refuses a body that is too large by its declared length', async () => {
    const port = await listen({ bodyLimitBytes: 10 })
    expect(await untilClosed(dial(port, head('POST / HTTP/1.1', 'Content-Length: 11')))).toMatch(/^HTTP\/1\.1 413 /)
  })

  it('limits the bodies that it receives at once, and accepts new ones when others have ended', async () => {
    const port = await listen({ bodyLimitBytes: 10 })
    const half = Array.from({ length: 16 }, () => dial(port, `${head('POST / HTTP/1.1', 'Content-Length: 10')}half`))
    await expect.poll(() => connections()).toBe(16)
    const post = () => fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'x' })
    await expect.poll(async () => (await post()).status).toBe(503)
    expect((await post()).headers.get('retry-after')).toBe('1')
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200)
    half[0]!.write('enough')
    await expect.poll(async () => (await post()).status).toBe(200)
  })

  it('bounds its connections', async () => {
    const port = await listen({ maxConnections: 2 })
    dial(port, '')
    dial(port, '')
    await expect.poll(() => connections()).toBe(2)
    expect(await untilClosed(dial(port, head('GET / HTTP/1.1')))).toBe('')
    sockets[0]!.destroy()
    await expect.poll(() => connections()).toBe(1)
    expect(await untilClosed(dial(port, head('GET / HTTP/1.1')))).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('logs what it refuses, once for many', async () => {
    const lines: string[] = []
    const port = await listen({ logger: { warn: (_context, message) => void lines.push(message) } })
    for (let count = 0; count < 5; count++) {
      await untilClosed(dial(port, 'GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n'))
    }
    expect(lines).toEqual([expect.stringContaining('refused a request: This server does not answer to')])
  })
})

function connections(): Promise<number> {
  return new Promise((resolve, reject) => {
    server!.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  })
}
