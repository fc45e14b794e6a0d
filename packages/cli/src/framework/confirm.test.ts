import { describe, expect, it } from 'vitest'
import { confirmChange } from './confirm.ts'
import type { Io } from './io.ts'

const change = { what: 'Delete 1 topic', typedName: 'user.events' }
const noTerminal = { interactive: false } as Io

describe('the question before a change, without a terminal', () => {
  const ask = (environment: string, yes: boolean, typed?: string): Promise<void> =>
    confirmChange(change, { io: noTerminal, environment, yes, typed })

  it('is answered by --yes', async () => {
    await expect(ask('development', true)).resolves.toBeUndefined()
  })

  it('fails as a usage error that names the option', async () => {
    await expect(ask('staging', false)).rejects.toMatchObject({
      exitCode: 2,
      message: 'Delete 1 topic: this needs confirmation, and standard input is not a terminal.',
      hint: 'Pass --yes',
    })
  })

  it('wants the name in production: --yes is not enough', async () => {
    await expect(ask('production', true)).rejects.toMatchObject({ exitCode: 2, hint: 'Pass --confirm user.events' })
    await expect(ask('production', false, 'user.event')).rejects.toThrow(
      /--confirm names "user.event"; the resource is "user.events"/,
    )
    await expect(ask('production', false, 'user.events')).resolves.toBeUndefined()
  })
})
