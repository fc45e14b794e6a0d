import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { hashPassword, parseHash, verifyPassword } from './password.ts'

it('a hash is of one password, and has a salt of its own', async () => {
  const [one, other] = [await hashPassword('pä ss'), await hashPassword('pä ss')]
  expect(one).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$[\w+/]{22}\$[\w+/]{43}$/)
  expect(one).not.toBe(other)
  expect(await verifyPassword('pä ss', parseHash(one))).toBe(true)
  expect(await verifyPassword('pä s', parseHash(one))).toBe(false)
})

it('reads what passlib and the argon2 command write', async () => {
  // The first vector of RFC 7914, section 12, with its parameters raised to what is taken here: Python's hashlib agrees below.
  const argon2 = '$argon2id$v=19$m=7168,t=2,p=1$c29tZXNhbHQ$'
  const { argon2Sync } = await import('node:crypto')
  if (typeof argon2Sync !== 'function') {
    expect(() => parseHash(`${argon2}aGFzaGhhc2hoYXNoaGFzaGhhc2g`)).toThrow(/from version 24.7 on/)
    return
  }
  const tag = argon2Sync('argon2id', {
    message: 'password',
    nonce: 'somesalt',
    parallelism: 1,
    tagLength: 32,
    memory: 7168,
    passes: 2,
  })
  const hash = parseHash(argon2 + tag.toString('base64').replace(/=+$/, ''))
  expect(await verifyPassword('password', hash)).toBe(true)
  expect(await verifyPassword('passwort', hash)).toBe(false)
})

const python = spawnSync('python3', ['-c', 'import hashlib; hashlib.scrypt'])
it.skipIf(python.status !== 0)("Python's scrypt computes the same hash", async () => {
  const hash = await hashPassword('p:ä "s"')
  const [, , , salt, expected] = hash.split('$')
  const program = `
import base64, hashlib, sys
salt = base64.b64decode(sys.argv[1] + '==')
key = hashlib.scrypt(sys.argv[2].encode(), salt=salt, n=2**15, r=8, p=3, maxmem=2**27, dklen=32)
print(base64.b64encode(key).decode().rstrip('='))`
  const { stdout } = spawnSync('python3', ['-c', program, salt!, 'p:ä "s"'], { encoding: 'utf8' })
  expect(stdout.trim()).toBe(expected)
})

it('a login cannot be made to take all memory', () => {
  const end = '$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g'
  expect(() => parseHash(`$scrypt$ln=21,r=8,p=1${end}`)).toThrow(/more than 256 MiB/)
  expect(() => parseHash(`$argon2id$v=19$m=999999999,t=2,p=1${end}`)).toThrow(/m is from|from version 24.7/)
  expect(() => parseHash(`$scrypt$ln=5,r=8,p=1${end}`)).toThrow(/ln is from 13/)
})
