// Hashes of passwords in the notation of the Password Hashing Competition, which also argon2's and passlib's tools write:
// `$scrypt$ln=15,r=8,p=3$<salt>$<hash>`, `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`.
// https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md
import * as crypto from 'node:crypto'

export type PasswordHash =
  | {
      readonly kind: 'scrypt'
      readonly ln: number
      readonly r: number
      readonly p: number
      readonly salt: Buffer
      readonly hash: Buffer
    }
  | {
      readonly kind: 'argon2id'
      readonly m: number
      readonly t: number
      readonly p: number
      readonly salt: Buffer
      readonly hash: Buffer
    }

/** More memory than this for one login is refused: a few logins at the same time would take all there is. */
const mostBytes = 256 * 1024 * 1024

/** Of OWASP's table: 32 MiB for a login. https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#scrypt */
const cost = { ln: 15, r: 8, p: 3 } as const

/** @returns the hash, with a salt of its own */
export async function hashPassword(
  password: string,
  { ln, r, p } = cost as { ln: number; r: number; p: number },
): Promise<string> {
  const salt = crypto.randomBytes(16)
  const hash = await derive(password, { kind: 'scrypt', ln, r, p, salt, hash: Buffer.alloc(32) })
  return `$scrypt$ln=${ln},r=${r},p=${p}$${unpadded(salt)}$${unpadded(hash)}`
}

/** @throws Error with what keeps the text from being a hash; never with the text */
export function parseHash(text: string): PasswordHash {
  const [empty, kind, ...rest] = text.split('$')
  if (empty !== '' || (kind !== 'scrypt' && kind !== 'argon2id')) {
    throw new Error('is not a hash; make one with `selfmonitor registry hash-password`')
  }
  if (kind === 'argon2id' && rest.shift() !== 'v=19') throw new Error('is not version 19 of argon2id')
  const [parameters = '', saltText = '', hashText = '', more] = rest
  const numbers = Object.fromEntries(parameters.split(',').map((part) => part.split('=')))
  const number = (name: string, from: number, to: number): number => {
    const value = /^\d{1,9}$/.test(numbers[name] ?? '') ? Number(numbers[name]) : Number.NaN
    if (value >= from && value <= to) return value
    throw new Error(`has ${name}=${numbers[name] ?? ''} where ${name} is from ${from} to ${to}`)
  }
  const [salt, hash] = [decoded(saltText), decoded(hashText)]
  if (more !== undefined || salt === undefined || hash === undefined || salt.length < 8 || hash.length < 16) {
    throw new Error(
      'has no salt of at least 8 bytes and hash of at least 16 at its end: it may be cut off; inside { }, put it in quotes',
    )
  }
  if (kind === 'scrypt') {
    const found = { kind, ln: number('ln', 13, 21), r: number('r', 1, 32), p: number('p', 1, 16), salt, hash } as const
    if (128 * 2 ** found.ln * found.r > mostBytes) throw new Error('takes more than 256 MiB of memory for a login')
    return found
  }
  if (typeof crypto.argon2 !== 'function') throw new Error('is of argon2id, which Node has from version 24.7 on')
  return { kind, m: number('m', 7_168, mostBytes / 1024), t: number('t', 1, 64), p: number('p', 1, 16), salt, hash }
}

/** Takes the same time whether the password is right or not. */
export async function verifyPassword(password: string, against: PasswordHash): Promise<boolean> {
  return crypto.timingSafeEqual(await derive(password, against), against.hash)
}

async function derive(password: string, parameters: PasswordHash): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const done = (error: Error | null, key: Buffer): void => (error === null ? resolve(key) : reject(error))
  const { salt, hash } = parameters
  if (parameters.kind === 'scrypt') {
    const { ln, r, p } = parameters
    const maxmem = 2 * 128 * 2 ** ln * r + 128 * r * p
    crypto.scrypt(password, salt, hash.length, { N: 2 ** ln, r, p, maxmem }, done)
  } else {
    const { m, t, p } = parameters
    const sizes = { parallelism: p, tagLength: hash.length, memory: m, passes: t }
    crypto.argon2('argon2id', { message: password, nonce: salt, ...sizes }, done)
  }
  return await promise
}

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')

function decoded(text: string): Buffer | undefined {
  return /^[A-Za-z0-9+/]+$/.test(text) ? Buffer.from(text, 'base64') : undefined
}
