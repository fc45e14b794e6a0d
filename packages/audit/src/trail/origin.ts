// Who runs the command, and from where.
import { X509Certificate } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { existsSync, readFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import type { AuditFrom, AuditPayload, AuditWho } from '../record/types.ts'

export interface Connection {
  readonly bootstrapServers: string
  readonly clientId: string
  /** Of SASL. */
  readonly username: string | undefined
  /** The client's own certificate, PEM. */
  readonly certificate: string | undefined
}

type Env = Readonly<Record<string, string | undefined>>

/** Where Kubernetes mounts the account of a pod. */
const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount'

export function whoIs({ username, certificate }: Connection, env: Env, folder = accountFolder): AuditWho {
  return {
    os_user: osUser(env),
    principal: username === undefined ? (certificateSubject(certificate) ?? 'User:ANONYMOUS') : `User:${username}`,
    kubernetes: kubernetesOf(env, folder),
  }
}

function osUser(env: Env): string | null {
  try {
    return userInfo().username
  } catch {
    // A container may run with a user id that has no name.
    return env.USER ?? (process.getuid === undefined ? null : `uid ${process.getuid()}`)
  }
}

/** As Kafka's default principal builder has it: the distinguished name, the last attribute first. */
function certificateSubject(pem: string | undefined): string | undefined {
  if (pem === undefined) return undefined
  try {
    return `User:${new X509Certificate(pem).subject.split('\n').reverse().join(',')}`
  } catch {
    return undefined
  }
}

function kubernetesOf(env: Env, folder: string): AuditWho['kubernetes'] {
  if (env.KUBERNETES_SERVICE_HOST === undefined) return null
  const read = (file: string): string | null => {
    try {
      return readFileSync(join(folder, file), 'utf8').trim()
    } catch {
      return null
    }
  }
  return {
    namespace: env.POD_NAMESPACE ?? read('namespace'),
    service_account: env.SERVICE_ACCOUNT ?? subjectOf(read('token')),
    pod: env.POD_NAME ?? env.HOSTNAME ?? hostname(),
  }
}

/** `system:serviceaccount:kafka:setup` in a token of Kubernetes; the token itself goes nowhere. */
function subjectOf(token: string | null): string | null {
  try {
    const claims = JSON.parse(Buffer.from(token!.split('.')[1]!, 'base64url').toString('utf8')) as { sub?: unknown }
    return typeof claims.sub === 'string' ? claims.sub : null
  } catch {
    return null
  }
}

export async function fromWhere({ bootstrapServers, clientId }: Connection, env: Env): Promise<AuditFrom> {
  return {
    host: hostname(),
    address: await localAddress(bootstrapServers),
    ssh_client: env.SSH_CONNECTION?.split(' ')[0] ?? null,
    process: process.pid,
    client_id: clientId,
  }
}

/** The address of this machine from which a broker is reached. A connected UDP socket has one, and sends nothing. */
async function localAddress(bootstrapServers: string): Promise<string | null> {
  const [, host, port] = /^\[?([^\]]+?)\]?:(\d+)$/.exec(bootstrapServers.split(',')[0]!.trim()) ?? []
  if (host === undefined) return null
  return await new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    const done = (address: string | null): void => {
      socket.close()
      resolve(address)
    }
    socket.once('error', () => done(null))
    socket.connect(Number(port), host, () => done(socket.address().address))
  })
}

/** systemd-timesyncd keeps this file since it first got the time from a server. */
const synchronizedFile = '/run/systemd/timesync/synchronized'

export function clockState(file = synchronizedFile): AuditPayload['clock'] {
  return existsSync(file) ? 'synchronized' : 'unknown'
}
