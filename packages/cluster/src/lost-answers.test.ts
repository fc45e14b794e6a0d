// Changes of accounts and ACLs whose answer is lost: each is sent once, and the error says that its outcome is unknown, never
// that something "exists already" or "is not there", which is what a second request would have met.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { type Relay, startRelay } from '../../../test/support/relay.ts'
import { connectCluster } from './cluster.ts'
import type { AclBinding, Cluster } from './types.ts'

const createAcls = 30
const deleteAcls = 31
const alterUserScramCredentials = 51

/** Declares the hooks of a suite: a cluster that is reached through a relay, and one that is not. */
function useRelay(bootstrapServers: () => string) {
  let relay: Relay
  let through: Cluster
  let direct: Cluster
  beforeAll(async () => {
    relay = await startRelay(bootstrapServers())
    through = connectCluster({ bootstrapServers: relay.bootstrapServers, timeoutMs: 10_000 })
    direct = connectCluster({ bootstrapServers: bootstrapServers(), timeoutMs: 10_000 })
  })
  afterAll(async () => {
    await through?.close()
    await direct?.close()
    await relay?.close()
  })
  return {
    get relay() {
      return relay
    },
    get through() {
      return through
    },
    get direct() {
      return direct
    },
  }
}

describeEngines('a change of ACLs whose answer is lost', (engine) => {
  const rig = useRelay(() => engine.bootstrapServers)
  const rule: AclBinding = {
    resourceType: 'topic',
    resourceName: 'orders',
    pattern: 'literal',
    principal: 'User:billing',
    host: '*',
    operation: 'read',
    permission: 'allow',
  }

  it.each([
    ['creating', createAcls, () => rig.through.createAcls([rule])],
    ['deleting', deleteAcls, () => rig.through.deleteAcls([rule])],
  ] as const)('has an unknown outcome when it was %s them, and is sent once', async (what, apiKey, change) => {
    rig.relay.loseAnswersOf(apiKey)
    await expect(change()).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      reason: 'timeout',
      resource: `${what} the ACL allow User:billing read on topic literal orders from *`,
      message: expect.stringContaining(`It is not known whether ${what} the ACL`) as unknown,
      hint: 'Check the current state before you repeat it.',
    })
    expect(rig.relay.requests(apiKey)).toBe(1)
  })
})

const apache = inject('apache')

// The embedded broker keeps no accounts.
describe.skipIf('missing' in apache)('a change of accounts whose answer is lost [apache]', () => {
  const rig = useRelay(() => (apache as { bootstrapServers: string }).bootstrapServers)
  const name = `lost-${process.pid}-${Date.now().toString(36)}`
  const isThere = async () => (await rig.direct.users()).some((user) => user.name === name)

  it('has an unknown outcome, is sent once, and was done', async () => {
    rig.relay.loseAnswersOf(alterUserScramCredentials)
    const password = 'a-password-that-no-message-repeats'
    const error = (await rig.through.setUserPasswords([{ name, password }]).catch((thrown: unknown) => thrown)) as Error
    expect(error).toMatchObject({ code: 'OUTCOME_UNKNOWN', resource: `setting the password of the user ${name}` })
    expect(error.message).not.toContain(password)
    expect(rig.relay.requests(alterUserScramCredentials)).toBe(1)
    await expect.poll(isThere, { timeout: 10_000 }).toBe(true)

    await expect(rig.through.deleteUsers([name])).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      resource: `deleting the user ${name}`,
    })
    expect(rig.relay.requests(alterUserScramCredentials)).toBe(2)
    await expect.poll(isThere, { timeout: 10_000 }).toBe(false)

    // To do it again is the caller's decision, and is answered by how things are now.
    rig.relay.loseAnswersOf(undefined)
    await expect(rig.through.deleteUsers([name])).rejects.toMatchObject({ code: 'RESOURCE_NOT_FOUND' })
  })
})
