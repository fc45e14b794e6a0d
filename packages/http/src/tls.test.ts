// TLS from files that are renewed while the server runs, seen by openssl and by Node's own client.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { connect as connectPlain } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { missingTool } from '../../../test/support/tools.ts'
import { readCertificates, readPrivateKey } from '../../kubernetes/src/certificates/inspect.ts'
import { issueCa, issueLeaf } from '../../kubernetes/src/certificates/issue.ts'
import { guard } from './guard.ts'
import { TlsFilesError } from './tls.ts'

const day = 86_400_000

async function authority(name: string) {
  const { certificate, key } = await issueCa(name, day, new Date())
  const issuer = { certificate: readCertificates(certificate)[0]!, key: readPrivateKey(key) }
  return {
    certificate,
    leaf: (common: string) => issueLeaf(issuer, common, { dnsNames: ['localhost'], ipAddresses: [] }, day, new Date()),
  }
}

type Pair = { readonly certificate: string; readonly key: string }

describe('TLS of a server', () => {
  let servers: Awaited<ReturnType<typeof authority>>
  let clients: typeof servers
  let next: typeof servers
  let ours: Pair
  let client: Pair
  let nextClient: Pair
  beforeAll(async () => {
    servers = await authority('servers')
    clients = await authority('clients')
    next = await authority('next clients')
    ours = await servers.leaf('registry')
    client = await clients.leaf('payments')
    nextClient = await next.leaf('payments')
  })

  const folder = mkdtempSync(join(tmpdir(), 'selfmonitor-tls-'))
  const file = (name: string) => join(folder, name)
  const cleanUps: (() => unknown)[] = []
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Answers with the common name of the client, `none` without a trusted certificate; `/held` waits for `release`. */
  async function serve(more: object = {}) {
    const { mkdirSync } = await import('node:fs')
    mkdirSync(folder, { recursive: true })
    writeFileSync(file('tls.crt'), ours.certificate)
    writeFileSync(file('tls.key'), ours.key)
    writeFileSync(file('ca.crt'), clients.certificate)
    const logged: string[] = []
    const held = Promise.withResolvers<void>()
    const arrived = Promise.withResolvers<void>()
    const server: Server = guard({
      listensOn: '127.0.0.1',
      allowedHostsSetting: 'x',
      logger: { warn: (_context, message) => logged.push(message), info: (_context, message) => logged.push(message) },
      tls: {
        ...{
          certificateFile: file('tls.crt'),
          keyFile: file('tls.key'),
          clientCaFile: file('ca.crt'),
          checkEveryMs: 20,
        },
        ...more,
      },
    }).serverFactory(async (asked, response) => {
      const socket = asked.socket as TLSSocket
      if (asked.url === '/held') {
        arrived.resolve()
        await held.promise
      }
      response.end(socket.authorized ? String(socket.getPeerCertificate()?.subject.CN) : 'none')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    cleanUps.push(async () => {
      held.resolve()
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    })
    return { port: (server.address() as AddressInfo).port, logged, release: held.resolve, arrived: arrived.promise }
  }

  const credentials = (pair?: Pair) => ({
    ca: servers.certificate,
    ...(pair ? { cert: pair.certificate, key: pair.key } : {}),
  })

  async function get(port: number, pair?: Pair, more: object = {}): Promise<string> {
    const sent = request({ port, host: 'localhost', family: 4, agent: false, ...credentials(pair), ...more }).end()
    const [response] = await once(sent, 'response')
    let text = ''
    for await (const chunk of response) text += chunk
    return text
  }

  it('tells who has a certificate of the client CAs from who has none, or one of another CA', async () => {
    const { port } = await serve()
    expect(await get(port, client)).toBe('payments')
    expect(await get(port)).toBe('none')
    expect(await get(port, nextClient)).toBe('none')
  })

  it('refuses a client without a certificate where one is required', async () => {
    const { port, logged } = await serve({ clientAuth: 'required' })
    expect(await get(port, client)).toBe('payments')
    await expect(get(port)).rejects.toThrow()
    await expect(get(port, nextClient)).rejects.toThrow()
    // Plain HTTP is not answered either, and the server goes on.
    const plain = connectPlain(port, '127.0.0.1').on('error', () => {})
    plain.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await once(plain, 'close')
    expect(await get(port, client)).toBe('payments')
    expect(logged).toContain('a TLS handshake failed')
  })

  it.skipIf(missingTool('openssl', 'version') !== null)(
    'is what openssl takes for TLS with client certificates',
    async () => {
      const { port } = await serve({ clientAuth: 'required' })
      writeFileSync(file('client.crt'), client.certificate)
      writeFileSync(file('client.key'), client.key)
      writeFileSync(file('servers.crt'), servers.certificate)
      const child = spawn('openssl', [
        ...['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost', '-verify_hostname', 'localhost'],
        ...[
          '-verify_return_error',
          '-CAfile',
          file('servers.crt'),
          '-cert',
          file('client.crt'),
          '-key',
          file('client.key'),
        ],
        '-ign_eof',
      ])
      let said = ''
      child.stdout.on('data', (chunk) => {
        said += chunk
      })
      child.stdin.write('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
      await once(child, 'close')
      expect(said).toContain('Verification: OK')
      expect(said).toMatch(/Acceptable client certificate CA names\nCN ?= ?clients/)
      expect(said).toMatch(/\r\n\r\npayments/)
    },
  )

  it('uses a renewed certificate without a restart, and keeps connections', async () => {
    const { port } = await serve()
    const socket = connect({ port, host: 'localhost', ...credentials(client) })
    await once(socket, 'secureConnect')
    cleanUps.push(() => socket.destroy())
    const renewed = await servers.leaf('renewed')
    // The key comes later than its certificate.
    writeFileSync(file('tls.crt'), renewed.certificate)
    const presented = async () => {
      const own = connect({ port, host: 'localhost', ...credentials(client) })
      await once(own, 'secureConnect')
      const { CN } = own.getPeerCertificate().subject
      own.destroy()
      return CN
    }
    expect(await presented()).toBe('registry')
    writeFileSync(file('tls.key'), renewed.key)
    await expect.poll(presented, { timeout: 20_000 }).toBe('renewed')
    expect(socket.destroyed).toBe(false)
  })

  it('keeps the files before when the new ones do not fit, and says so', async () => {
    const { port, logged } = await serve()
    for (const [name, text] of [
      ['tls.key', client.key],
      ['tls.key', ''],
      ['ca.crt', clients.certificate.slice(0, 100)],
    ] as const) {
      const before = logged.length
      writeFileSync(file(name), text)
      await expect
        .poll(() => logged.slice(before), { timeout: 20_000 })
        .toContain('the files of TLS cannot be used; those before stay in use')
      expect(await get(port, client)).toBe('payments')
    }
  })

  it('after the client CAs have changed ends connections: idle ones at once, others with their answer', async () => {
    const { port, release, arrived } = await serve()
    const idle = connect({ port, host: 'localhost', ...credentials(client) }).on('error', () => {})
    await once(idle, 'secureConnect')
    const idleClosed = once(idle, 'close')
    const busy = request({ port, host: 'localhost', path: '/held', family: 4, ...credentials(client) }).end()
    await arrived
    writeFileSync(file('ca.crt'), next.certificate)
    await idleClosed
    release()
    const [response] = await once(busy, 'response')
    expect(response.headers.connection).toBe('close')
    response.resume()
    await expect.poll(() => busy.socket?.destroyed, { timeout: 20_000 }).toBe(true)
    expect(await get(port, client)).toBe('none')
    expect(await get(port, nextClient)).toBe('payments')
  })

  it('after the client CAs have changed ends a connection whose answer does not come, within the bound', async () => {
    const { port, arrived } = await serve({ drainMs: 50 })
    const busy = request({ port, host: 'localhost', path: '/held', family: 4, ...credentials(client) }).end()
    const failed = once(busy, 'error')
    await arrived
    writeFileSync(file('ca.crt'), next.certificate)
    await failed
  })

  it('does not let a session of before the change in again', async () => {
    const { port } = await serve({ clientAuth: 'required' })
    let session: Buffer | undefined
    const first = connect({ port, host: 'localhost', ...credentials(client) }).on('error', () => {})
    first.on('session', (given: Buffer) => {
      session = given
    })
    first.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await once(first, 'data')
    await expect.poll(() => session, { timeout: 20_000 }).toBeDefined()
    expect(await get(port, client, { session })).toBe('payments')
    const closed = once(first, 'close')
    writeFileSync(file('ca.crt'), next.certificate)
    await closed
    await expect(get(port, client, { session })).rejects.toThrow()
    expect(await get(port, nextClient)).toBe('payments')
  })

  it('refuses files that do not fit before it listens', async () => {
    await serve()
    const make = (more: object) =>
      guard({
        listensOn: '127.0.0.1',
        allowedHostsSetting: 'x',
        tls: { certificateFile: file('tls.crt'), keyFile: file('tls.key'), ...more },
      }).serverFactory(() => {})
    writeFileSync(file('empty'), '')
    writeFileSync(file('other.key'), client.key)
    for (const more of [
      { certificateFile: file('nothing') },
      { keyFile: file('empty') },
      { keyFile: file('other.key') },
      { clientCaFile: file('empty') },
    ]) {
      expect(() => make(more)).toThrow(TlsFilesError)
    }
  })
})
