import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { exchange } from './exchange.ts'

const servers: Server[] = []

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

const message = { method: 'GET', headers: {}, signal: new AbortController().signal }

describe('an exchange over HTTP', () => {
  it('carries method, path, headers and body, and gives the status and the text', async () => {
    const url = await serve(async (request, response) => {
      const body = Buffer.concat(await request.toArray())
      const { authorization, 'content-length': length } = request.headers
      response.writeHead(422).end(JSON.stringify([request.method, request.url, authorization, length, `${body}`]))
    })
    const headers = { authorization: 'Basic YTpi' }
    const answer = await exchange(`${url}/a%2Fb?c=d`, { ...message, method: 'POST', headers, body: '"ü"' })
    expect(answer.status).toBe(422)
    expect(await answer.text()).toBe(JSON.stringify(['POST', '/a%2Fb?c=d', 'Basic YTpi', '4', '"ü"']))
  })

  it('puts a letter together whose bytes came apart', async () => {
    const [first, second] = [Buffer.from('ü').subarray(0, 1), Buffer.from('ü').subarray(1)]
    const url = await serve((_request, response) => {
      response.write(first, () => response.end(second))
    })
    expect(await (await exchange(url, message)).text()).toBe('ü')
  })

  it('goes where it is sent, with what it was sent with', async () => {
    const there = await serve(async (request, response) => {
      response.end(`${request.method} ${Buffer.concat(await request.toArray())}`)
    })
    const here = await serve((_request, response) => response.writeHead(308, { location: there }).end())
    const answer = await exchange(here, { ...message, method: 'POST', body: 'x' })
    expect([answer.status, await answer.text()]).toEqual([200, 'POST x'])
  })

  it('fails when the answer breaks off', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 9 })
      response.write('half', () => response.destroy())
    })
    await expect(exchange(url, message)).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  it('fails with the reason of the signal when that comes first', async () => {
    const controller = new AbortController()
    const reason = new Error('long enough')
    const url = await serve(() => controller.abort(reason))
    await expect(exchange(url, { ...message, signal: controller.signal })).rejects.toBe(reason)
  })

  it('fails with the reason of the signal while the answer is on its way', async () => {
    const controller = new AbortController()
    const reason = new Error('long enough')
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 9 })
      response.write('half', () => controller.abort(reason))
    })
    await expect(exchange(url, { ...message, signal: controller.signal })).rejects.toBe(reason)
  })

  it('fails with the code of the system when nobody listens', async () => {
    const url = await serve(() => {})
    await new Promise((resolve) => servers[0]!.close(resolve))
    await expect(exchange(url, message)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})
