// Who sends a request: by a password, a token or a client certificate.
import { createHmac, randomBytes, X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { LRUCache } from 'lru-cache'
import pLimit from 'p-limit'
import { verifyPassword } from './password.ts'
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

export async function createAuthenticator(policy: Policy): Promise<Authenticator> {
  const checkPassword = passwordCheck(policy)
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

function passwordCheck({ users }: Policy): (credentials: string) => Promise<Login> {
  const key = randomBytes(32)
  const mac = (text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const remembered = new LRUCache<string, Caller>({ max: mostRemembered })
  const turns = pLimit(concurrentHashes)
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
    const id = mac(`${name}:${password}`).toString('base64')
    const known = remembered.get(id)
    if (known !== undefined) return { kind: 'known', caller: known }
    if (turns.pendingCount >= mostWaiting) return { kind: 'unavailable', why: 'too many logins at the same time' }
    const { hash, grants } = userFor(name)
    const isRight = await turns(() => verifyPassword(password, hash))
    if (!isRight || !users.has(name)) return { kind: 'refused', why: 'a wrong user or password' }
    const caller: Caller = { principal: `User:${name}`, grants }
    remembered.set(id, caller)
    return { kind: 'known', caller }
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

/** As `openssl x509 -noout -subject -nameopt RFC2253` writes it, and Kafka: the last attribute first. */
function subjectOf({ subject }: X509Certificate): string {
  return (subject ?? '').split('\n').reverse().join(',')
}

function commonNames({ subject }: X509Certificate): string[] {
  return (subject ?? '')
    .split('\n')
    .filter((line) => line.startsWith('CN='))
    .map((line) => line.slice(3))
}
