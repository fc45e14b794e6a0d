// Whether a port is free, and which process uses it.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { commandLine } from '@selfmonitor/platform/running'
import { CliError } from '../framework/errors.ts'

export interface PortHolder {
  readonly pid: number
  readonly command: string | undefined
}

/** What `up` wants to listen on, and for what. */
export interface WantedPort {
  readonly port: number
  readonly use: string
}

export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false)
      else reject(error)
    })
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}

/**
 * The process that listens on a port. Linux: the socket's inode from /proc/net/tcp, then the process that has it open
 * (only our own user's can be seen without being root); elsewhere `lsof`. Undefined where it cannot be known.
 */
export function portHolder(port: number): PortHolder | undefined {
  const pid = process.platform === 'linux' ? linuxHolder(port) : lsofHolder(port)
  return pid === undefined ? undefined : { pid, command: commandLine(pid) }
}

/** The largest that `up` takes: Kafka's port and those of more brokers stay below 65536. */
export const maxPortOffset = 50_000
/** From one suggested port offset to the next. */
const offsetStep = 100
const suggestions = 10

/**
 * @param portOffset what the ports have been moved by already.
 * @throws CliError PORT_TAKEN for the first port that is not free, naming its holder where that can be known, and an
 * offset at which all are free.
 */
export async function requireFreePorts(ports: readonly WantedPort[], portOffset: number): Promise<void> {
  const free = await Promise.all(ports.map(({ port }) => isPortFree(port)))
  const taken = ports.find((_, index) => !free[index])
  if (taken === undefined) return
  const holder = portHolder(taken.port)
  const who =
    holder === undefined
      ? 'by another process'
      : `by process ${holder.pid}${holder.command === undefined ? '' : ` (${shorten(holder.command)})`}`
  throw new CliError('PORT_TAKEN', `Port ${taken.port}, wanted for ${taken.use}, is taken ${who}.`, {
    hint: `Stop ${holder === undefined ? 'it' : `process ${holder.pid}`}${await besideText(ports, portOffset, ', or start beside it with ')}.`,
  })
}

/** `<before>--port-offset 200`, an offset that `up` takes and at which all ports are free now; nothing where none is. */
export async function besideText(ports: readonly WantedPort[], portOffset: number, before: string): Promise<string> {
  const offset = await freeOffset(ports, portOffset)
  return offset === undefined ? '' : `${before}--port-offset ${offset}`
}

/** The first free one of the next offsets; after the largest they begin at 0 again. */
async function freeOffset(ports: readonly WantedPort[], portOffset: number): Promise<number | undefined> {
  for (let step = 1; step <= suggestions; step += 1) {
    const next = portOffset + step * offsetStep
    const offset = next <= maxPortOffset ? next : (step - 1) * offsetStep
    const moved = ports.map(({ port }) => port - portOffset + offset)
    if (offset !== portOffset && (await Promise.all(moved.map((port) => isPortFree(port)))).every(Boolean))
      return offset
  }
  return undefined
}

/** Both ends of a long command line: the program, and what it was given last (Kafka's is its configuration file). */
function shorten(command: string): string {
  return command.length > 120 ? `${command.slice(0, 40)} … ${command.slice(-76)}` : command
}

const listening = '0A'

function linuxHolder(port: number): number | undefined {
  const inodes = new Set<string>()
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    let lines: string[]
    try {
      lines = readFileSync(table, 'utf8').split('\n').slice(1)
    } catch {
      continue
    }
    for (const line of lines) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/)
      if (state !== listening || local === undefined || inode === undefined) continue
      if (Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16) === port) inodes.add(`socket:[${inode}]`)
    }
  }
  if (inodes.size === 0) return undefined
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      for (const fd of readdirSync(`/proc/${entry}/fd`)) {
        if (inodes.has(readlinkSync(`/proc/${entry}/fd/${fd}`))) return Number(entry)
      }
    } catch {
      // Not ours to see, or gone meanwhile.
    }
  }
  return undefined
}

function lsofHolder(port: number): number | undefined {
  try {
    const output = execFileSync('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-t'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const pid = Number(output.split('\n')[0])
    return Number.isInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}
