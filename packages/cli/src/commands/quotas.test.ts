import { expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { liveCommands } from '../test-support/live-commands.ts'
import { entityOf, quotaValues } from './quotas.ts'

const none = { userDefault: false, clientIdDefault: false, ipDefault: false }

it('the entity is a user, a client id, both, or an address, each by name or the default', () => {
  expect(entityOf({ ...none, user: 'User:billing', clientIdDefault: true })).toEqual([
    { type: 'user', name: 'billing' },
    { type: 'client-id', name: null },
  ])
  expect(entityOf(none)).toEqual([])
  expect(() => entityOf({ ...none, user: 'a', ip: '10.0.0.1' })).toThrow('not of both')
  expect(() => entityOf({ ...none, user: 'a', userDefault: true })).toThrow('--user and --user-default')
})

it('values have units, and the quotas are those of such an entity', async () => {
  const user = [{ type: 'user', name: 'a' }] as const
  expect(await quotaValues(['producer-byte-rate=10MiB', 'request_percentage=12.5'], user)).toEqual({
    producer_byte_rate: 10_485_760,
    request_percentage: 12.5,
  })
  await expect(quotaValues(['producer_byte_rat=1'], user)).rejects.toMatchObject({
    hint: expect.stringContaining('Did you mean'),
  })
  await expect(quotaValues(['connection_creation_rate=1'], user)).rejects.toThrow('not a quota of a user')
  await expect(quotaValues(['producer_byte_rate=ten'], user)).rejects.toThrow('producer_byte_rate=ten')
  await expect(quotaValues(['request_percentage'], user)).rejects.toThrow()
})

describeEngines('quotas', (engine) => {
  const live = liveCommands(engine, 'quotas')
  const { cli, id } = live

  if (engine.name === 'apache')
    it('are set after a preview, listed, and deleted', async () => {
      const of = ['--user', id, '--client-id', 'nightly']
      const words = ['quotas', 'set', ...of, '--quota', 'producer_byte_rate=1MiB', '--quota', 'request_percentage=50']
      const asked = await cli(...words)
      expect(asked).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/producer_byte_rate +\(none\) +1\.0 MiB\/s/),
      })
      expect((await cli(...words, '--yes')).code).toBe(0)
      const listed = await cli('quotas', 'list', '--user', id)
      expect(listed.stdout).toMatch(new RegExp(`user ${id}, client-id nightly +producer_byte_rate +1\\.0 MiB/s\\n`))
      expect((await cli(...words, '--yes')).stderr).toContain('nothing to set')
      expect((await cli('quotas', 'delete', ...of, '--quota', 'request_percentage', '--yes')).code).toBe(0)
      expect(JSON.parse((await cli('quotas', 'list', '--user', id, '-o', 'json')).stdout)).toMatchObject([
        { quota: 'producer_byte_rate', value: 1_048_576 },
      ])
      expect((await cli('quotas', 'delete', ...of, '--yes')).code).toBe(0)
      const again = await cli('quotas', 'delete', ...of, '--yes')
      expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('has no quotas') })
    })
  else
    it('are refused by the embedded broker, which has none', async () => {
      const said = await cli('quotas', 'list')
      expect(said).toMatchObject({ code: 1, stderr: expect.stringContaining('DescribeClientQuotas') })
    })
})
