import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { clockState, fromWhere, whoIs } from './origin.ts'

const connection = { bootstrapServers: '127.0.0.1:9092', clientId: 'c', username: undefined, certificate: undefined }
const folder = mkdtempSync(join(tmpdir(), 'audit-origin-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('who', () => {
  it('is the account of SASL, else Kafka’s ANONYMOUS, and the user of the system', () => {
    expect(whoIs({ ...connection, username: 'admin' }, {})).toEqual({
      os_user: userInfo().username,
      principal: 'User:admin',
      kubernetes: null,
    })
    expect(whoIs(connection, {}).principal).toBe('User:ANONYMOUS')
    expect(whoIs({ ...connection, certificate: 'not a certificate' }, {}).principal).toBe('User:ANONYMOUS')
  })

  it('in a pod is also the pod and its service account, and its token stays where it is', () => {
    const claims = Buffer.from('{"sub":"system:serviceaccount:kafka:setup"}').toString('base64url')
    writeFileSync(join(folder, 'token'), `h.${claims}.signature`)
    writeFileSync(join(folder, 'namespace'), 'kafka\n')
    const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1', HOSTNAME: 'kafka-setup-x1' }
    const who = whoIs(connection, env, folder)
    expect(who.kubernetes).toEqual({
      namespace: 'kafka',
      service_account: 'system:serviceaccount:kafka:setup',
      pod: 'kafka-setup-x1',
    })
    expect(JSON.stringify(who)).not.toContain('signature')
    expect(whoIs(connection, env, join(folder, 'gone')).kubernetes).toMatchObject({
      namespace: null,
      service_account: null,
    })
  })
})

it('where from is this machine, its address towards the brokers, and the address behind an SSH session', async () => {
  const env = { SSH_CONNECTION: '192.0.2.7 51234 10.0.0.5 22' }
  const from = await fromWhere({ ...connection, bootstrapServers: '127.0.0.1:1,127.0.0.1:2' }, env)
  expect(from).toMatchObject({ address: '127.0.0.1', ssh_client: '192.0.2.7', process: process.pid, client_id: 'c' })
  expect((await fromWhere({ ...connection, bootstrapServers: '' }, {})).address).toBeNull()
})

it('the clock is synchronized where the system says so', () => {
  expect(clockState(join(folder, 'absent'))).toBe('unknown')
  writeFileSync(join(folder, 'synchronized'), '')
  expect(clockState(join(folder, 'synchronized'))).toBe('synchronized')
})
