import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { startBroker } from '@selfmonitor/broker'
import { afterEach, describe, expect, it } from 'vitest'
import { connectCluster } from './cluster.ts'
import type { ClusterError } from './errors.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
  }
})

/** A server that does with each connection what the test says. */
async function listen(onConnection: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    onConnection(socket)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function errorOf(promise: Promise<unknown>): Promise<ClusterError> {
  return promise.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: ClusterError) => error,
  )
}

/** Plays a broker that offers SASL PLAIN and refuses every login (error 58). */
function refuseSasl(socket: Socket): void {
  const text = (value: string) => Buffer.from(value).toString('hex')
  const answers: Record<number, readonly string[]> = {
    // ApiVersions v1: SaslAuthenticate at versions 0 to 1.
    18: ['0000', '00000001', '0024', '0000', '0001', '00000000'],
    // SaslHandshake v1: PLAIN.
    17: ['0000', '00000001', '0005', text('PLAIN')],
    // SaslAuthenticate v1: SASL_AUTHENTICATION_FAILED and why.
    36: ['003a', '001c', text('Invalid username or password'), '00000000', '0000000000000000'],
  }
  socket.on('data', (frame) => {
    const body = Buffer.concat([frame.subarray(8, 12), Buffer.from(answers[frame.readInt16BE(4)]!.join(''), 'hex')])
    const size = Buffer.alloc(4)
    size.writeInt32BE(body.length)
    socket.write(Buffer.concat([size, body]))
  })
}

describe('connecting', () => {
  it('says which address cannot be reached, and that it is a connection problem', async () => {
    const address = await listen(() => {})
    await new Promise((resolve) => servers.splice(0)[0]!.close(resolve))
    const cluster = connectCluster({ bootstrapServers: address, timeoutMs: 5_000 })
    const error = await errorOf(cluster.info())
    await cluster.close()
    expect(error).toMatchObject({ name: 'ClusterError', code: 'CANNOT_CONNECT', reason: 'cannot-connect' })
    expect(error.message).toContain(address)
    expect(error.message).toContain('ECONNREFUSED')
    expect(error.hint).toContain('Check that Kafka is running')
  })

  it('names all addresses when several cannot be reached', async () => {
    const cluster = connectCluster({ bootstrapServers: '127.0.0.1:1,127.0.0.1:2', timeoutMs: 5_000 })
    const error = await errorOf(cluster.info())
    await cluster.close()
    expect(error).toMatchObject({ code: 'CANNOT_CONNECT', resource: '127.0.0.1:1,127.0.0.1:2' })
  })

  it('gives up on a server that accepts and never answers, at the timeout', async () => {
    const cluster = connectCluster({ bootstrapServers: await listen(() => {}), timeoutMs: 300 })
    const error = await errorOf(cluster.listTopics())
    await cluster.close()
    expect(error).toMatchObject({ code: 'TIMEOUT', reason: 'timeout' })
  })

  it('says so when the server closes the connection at once, as one that wants TLS does', async () => {
    const cluster = connectCluster({
      bootstrapServers: await listen((s) => s.once('data', () => s.destroy())),
      timeoutMs: 400,
    })
    const error = await errorOf(cluster.info())
    await cluster.close()
    expect(error).toMatchObject({ code: 'CONNECTION_CLOSED', reason: 'cannot-connect' })
    expect(error.hint).toContain('TLS')
  })

  it.each([
    ['closes each connection', (socket: Socket) => void socket.destroy()],
    ['takes connections and never answers', () => {}],
  ])('asks another broker when one of the addresses %s', async (_, behave) => {
    const broker = await startBroker()
    const bootstrapServers = `${await listen(behave)},${broker.bootstrapServers}`
    const cluster = connectCluster({ bootstrapServers, timeoutMs: 4_000 })
    try {
      expect((await cluster.info()).brokers).toHaveLength(1)
      expect(await cluster.listTopics()).toEqual([])
    } finally {
      await cluster.close()
      await broker.close()
    }
  })

  it('leaves a broker that has fallen silent for another one, with the next operation', async () => {
    const broker = await startBroker()
    const relays: Socket[] = []
    const silenced = await listen((client) => {
      const [host, port] = broker.bootstrapServers.split(':')
      const behind = connect(Number(port), host)
      behind.on('error', () => {})
      relays.push(client)
      client.pipe(behind).pipe(client)
      client.on('close', () => behind.destroy())
    })
    const bootstrapServers = `${silenced},${broker.bootstrapServers}`
    const cluster = connectCluster({ bootstrapServers, timeoutMs: 2_000 })
    try {
      await cluster.info()
      for (const client of relays) client.unpipe()
      expect(await errorOf(cluster.info())).toMatchObject({ code: 'TIMEOUT' })
      await expect
        .poll(() => cluster.info().catch((error: ClusterError) => error.code))
        .toMatchObject({ brokers: [{}] })
    } finally {
      await cluster.close()
      await broker.close()
    }
  })

  it('tells a TLS client on a plain port from an unreachable one', async () => {
    const bootstrapServers = await listen((s) => s.once('data', () => s.end('plain text, no TLS')))
    const cluster = connectCluster({ bootstrapServers, tls: true, timeoutMs: 3_000 })
    const error = await errorOf(cluster.info())
    await cluster.close()
    expect(error).toMatchObject({ code: 'TLS_FAILED', reason: 'cannot-connect' })
  })

  it("says that the broker refused the credentials, in the broker's words", async () => {
    const sasl = { mechanism: 'PLAIN', username: 'ops', password: 'wrong-password' } as const
    const cluster = connectCluster({ bootstrapServers: await listen(refuseSasl), sasl, timeoutMs: 5_000 })
    const error = await errorOf(cluster.info())
    await cluster.close()
    expect(error).toMatchObject({ code: 'AUTHENTICATION_FAILED', reason: 'not-allowed' })
    expect(error.message).toContain('Invalid username or password')
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('wrong-password')
  })

  it('never shows the password, whatever fails', async () => {
    const password = 'correct-horse-battery'
    const closing = await listen((s) => s.once('data', () => s.destroy()))
    for (const bootstrapServers of ['127.0.0.1:1', closing]) {
      const sasl = { mechanism: 'PLAIN', username: 'ops', password } as const
      const cluster = connectCluster({ bootstrapServers, sasl, timeoutMs: 2_000 })
      const error = await errorOf(cluster.info())
      await cluster.close()
      expect(inspect(error, { depth: 20, showHidden: true, getters: true })).not.toContain(password)
      expect(inspect(cluster, { depth: 20, showHidden: true })).not.toContain(password)
    }
  })

  it('refuses addresses that cannot be one, before anything is sent', () => {
    for (const bootstrapServers of ['', ' , ', 'localhost:abc', ':9092', 'localhost:99999']) {
      expect(() => connectCluster({ bootstrapServers })).toThrow(/host:port/)
    }
  })

  it('refuses to work after it was closed', async () => {
    const cluster = connectCluster({ bootstrapServers: '127.0.0.1:1' })
    await cluster.close()
    expect(await errorOf(cluster.info())).toMatchObject({ code: 'CLOSED' })
  })
})
