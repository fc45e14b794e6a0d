// Who sends a request: by a password, a token or a client certificate.
import { createHmac, randomBytes, X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { LRUCache } from 'lru-cache'
import pLimit, { type LimitFunction } from 'p-limit'
import { type PasswordHash, verifyPassword } from './password.ts'
import type { Policy } from './policy.ts'
import type { Caller } from './rights.ts'
import { createTokenCheck, type TokenCheck } from './tokens.ts'

export type Login =
  | { readonly kind: 'known'; readonly caller: Caller }
  /** `why` is for the log, without what the client sent. */
  | { readonly kind: 'refused'; readonly why: string }
  /** Another attempt may go through. */
  | { readonly kind: 'unavailable'; readonly why: string }

export interface Authenticator {
  authenticate(request: IncomingMessage): Promise<Login>
  /** The values of `WWW-Authenticate`. */
  readonly challenges: readonly string[]
}

/** Each takes a core and tens of megabytes. */
const concurrentHashes = 2
/** Then logins wait no longer: a flood of wrong passwords must not fill the memory. */
const mostWaiting = 64
/** Logins whose hash was computed once; a client sends its password with every request. */
const mostRemembered = 10_000
/** A client with a wrong password sends it again and again. */
const refusalsKeptMs = 5_000

/** What was found out about credentials. A new access file keeps it: an entry is of the hash with which the credentials were compared. */
export interface LoginMemory {
  readonly key: Buffer
  readonly right: LRUCache<string, true>
  readonly wrong: LRUCache<string, true>
  /** Comparisons that are under way: equal credentials share one. */
  readonly underWay: Map<string, Promise<boolean>>
  readonly turns: LimitFunction
}

export function newLoginMemory(): LoginMemory {
  const perf = { now: () => performance.now() }
  return {
    key: randomBytes(32),
    right: new LRUCache({ max: mostRemembered }),
    wrong: new LRUCache({ max: mostRemembered, ttl: refusalsKeptMs, ttlResolution: 0, perf }),
    underWay: new Map(),
    turns: pLimit(concurrentHashes),
  }
}

/** @param memory of the authenticator that this one replaces */
export async function createAuthenticator(policy: Policy, memory = newLoginMemory()): Promise<Authenticator> {
  const checkPassword = passwordCheck(policy, memory)
  const checkToken: TokenCheck | undefined = policy.issuers.length > 0 ? await createTokenCheck(policy) : undefined
  return {
    challenges: [
      ...(checkToken ? ['Bearer realm="schema-registry"'] : []),
      ...(policy.users.size > 0 ? ['Basic realm="schema-registry", charset="UTF-8"'] : []),
    ],
    async authenticate(request) {
      // Of several, Node keeps the first.
      const header = request.headers.authorization
      if (header === undefined) return byCertificate(policy, request.socket as TLSSocket)
      const [, scheme = '', value = ''] = /^(\S+) +(\S+)$/.exec(header.trim()) ?? []
      switch (scheme.toLowerCase()) {
        case 'basic':
          return await checkPassword(value)
        case 'bearer':
          return checkToken === undefined
            ? { kind: 'refused', why: 'no issuer of tokens is set up' }
            : await byToken(checkToken, value)
        default:
          return { kind: 'refused', why: 'another scheme than Basic and Bearer' }
      }
    },
  }
}

async function byToken(check: TokenCheck, token: string): Promise<Login> {
  try {
    const caller = await check(token)
    return caller === undefined ? { kind: 'refused', why: 'a token that is not valid here' } : { kind: 'known', caller }
  } catch (error) {
    return { kind: 'unavailable', why: (error as Error).message }
  }
}

function passwordCheck({ users }: Policy, memory: LoginMemory): (credentials: string) => Promise<Login> {
  const mac = (text: string): Buffer => createHmac('sha256', memory.key).update(text).digest()
  const names = [...users.keys()]

  /** An unknown name is checked against the hash of some user, always the same one, so that it takes as long as a known one. */
  function userFor(name: string) {
    const stand = names[mac(name).readUInt32BE(0) % names.length]!
    return users.get(name) ?? users.get(stand)!
  }

  return async (credentials) => {
    if (names.length === 0) return { kind: 'refused', why: 'no users are set up' }
    const [, name, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(credentials, 'base64').toString()) ?? []
    if (name === undefined || password === undefined) return { kind: 'refused', why: 'credentials without a colon' }
    const { hash, grants } = userFor(name)
    const id = mac(JSON.stringify([hash, name, password])).toString('base64')
    const isRight = await compare(memory, id, password, hash)
    if (isRight === undefined) return { kind: 'unavailable', why: 'too many logins at the same time' }
    if (!isRight || !users.has(name)) return { kind: 'refused', why: 'a wrong user or password' }
    return { kind: 'known', caller: { principal: `User:${name}`, grants } }
  }
}

/**
 * @param id of the hash and the credentials
 * @returns undefined when too many others wait
 */
async function compare(
  { right, wrong, underWay, turns }: LoginMemory,
  id: string,
  password: string,
  hash: PasswordHash,
): Promise<boolean | undefined> {
  if (right.has(id)) return right.get(id)
  if (wrong.has(id)) return false
  const shared = underWay.get(id)
  if (shared !== undefined) return await shared
  if (turns.pendingCount >= mostWaiting) return undefined
  const comparison = turns(() => verifyPassword(password, hash))
  underWay.set(id, comparison)
  try {
    const isRight = await comparison
    if (isRight) right.set(id, true)
    else wrong.set(id, true)
    return isRight
  } finally {
    underWay.delete(id)
  }
}

/** Of certificates that the server's client CA has signed. */
function byCertificate({ certificates }: Policy, socket: TLSSocket): Login {
  const raw = socket.authorized === true ? socket.getPeerCertificate()?.raw : undefined
  if (raw === undefined) return { kind: 'refused', why: 'no login' }
  const certificate = new X509Certificate(raw)
  // The handshake may have been long ago.
  if (certificate.validToDate.getTime() < Date.now()) return { kind: 'refused', why: 'a certificate that has expired' }
  const subject = subjectOf(certificate)
  const own = commonNames(certificate)
  const found = certificates.find((one) => one.subject === subject || (own.length === 1 && one.commonName === own[0]))
  if (found === undefined)
    return { kind: 'refused', why: `the access file has no certificate with the subject ${subject}` }
  return { kind: 'known', caller: { principal: `User:${subject}`, grants: found.grants } }
}

/** As `openssl x509 -noout -subject -nameopt RFC2253,-esc_msb` writes it: the last attribute first, those of one set joined with `+`. */
function subjectOf(certificate: X509Certificate): string {
  return attributeSets(certificate)
    .map((attributes) => attributes.toReversed().join('+'))
    .reverse()
    .join(',')
}

/** Node has a set on each line and ` + ` between its attributes; a `+` in a value is escaped. */
function attributeSets({ subject }: X509Certificate): string[][] {
  return (subject ?? '').split('\n').map((line) => line.split(' + '))
}

function commonNames(certificate: X509Certificate): string[] {
  return attributeSets(certificate)
    .flat()
    .filter((line) => line.startsWith('CN='))
    .map((line) => line.slice(3))
}
