import { createServer, type Server } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { besideText, isPortFree, portHolder, requireFreePorts } from './ports.ts'

const servers: Server[] = []

async function listen(): Promise<number> {
  const server = createServer()
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as { port: number }).port
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

describe('ports', () => {
  it('are free until a process listens', async () => {
    const port = await listen()
    expect(await isPortFree(port)).toBe(false)
    await new Promise((resolve) => servers[0]!.close(resolve))
    expect(await isPortFree(port)).toBe(true)
  })

  it('name who holds them', async () => {
    expect(portHolder(await listen())?.pid).toBe(process.pid)
  })

  it('are reported as taken with their use, the process, and the remedy', async () => {
    // With room above it, for the offset that is suggested.
    let port = await listen()
    while (port > 64_000) port = await listen()
    await expect(requireFreePorts([{ port, use: 'Kafka' }], 700)).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      exitCode: 1,
      message: expect.stringMatching(
        new RegExp(`^Port ${port}, wanted for Kafka, is taken by process ${process.pid} \\(.*node`),
      ),
      hint: expect.stringMatching(/--port-offset (8|9|1\d)00\.$/),
    })
  })
  it('suggest no offset that `up` would refuse', async () => {
    expect(await besideText([{ port: 9092 + 49_950, use: 'Kafka' }], 49_950, 'or ')).toMatch(
      /^or --port-offset \d?\d?\d$/,
    )
    expect(await besideText([{ port: 9092 + 50_000, use: 'Kafka' }], 50_000, 'or ')).toMatch(
      /^or --port-offset \d?\d?\d$/,
    )
  })
})
