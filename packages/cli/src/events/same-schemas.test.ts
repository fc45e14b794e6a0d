// The command line and a service that runs in the same folder refuse the same payloads, for the same reasons.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '@selfmonitor/apache'
import { startTestPlatform, type TestPlatform } from '@selfmonitor/events/testing'
import { envelopeSchema } from '@selfmonitor/platform/shapes'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { selfmonitor, temporaryFolder } from '../test-io.ts'

const library = fileURLToPath(new URL('../../../events/src/index.ts', import.meta.url))
const emitInAService = `
import { connectEvents } from ${JSON.stringify(library)}
const [topic, eventType, data] = process.argv.slice(2)
const events = await connectEvents({ service: 'shop' })
try {
  await events.emit(topic, eventType, JSON.parse(data), { userId: 'u' })
  console.log('emitted')
} catch (error) {
  console.log(error.message)
}
await events.close()
`

describe('payload schemas in a folder that only platform.yaml names', () => {
  const folder = temporaryFolder()
  let platform: TestPlatform

  beforeAll(async () => {
    writeFileSync(
      join(folder.path, 'platform.yaml'),
      'topics: { users: { partitions: 1, schema: avro/users.avsc, events: some/folder } }',
    )
    for (const name of ['avro', 'some/folder']) mkdirSync(join(folder.path, name), { recursive: true })
    writeFileSync(join(folder.path, 'avro/users.avsc'), envelopeSchema('UserEvent'))
    writeFileSync(join(folder.path, 'some/folder/user_created.json'), '{"type":"object","required":["email"]}')
    writeFileSync(join(folder.path, 'service.ts'), emitInAService)
    platform = await startTestPlatform({ topics: { users: { partitions: 1 } } })
  })
  afterAll(async () => {
    await platform?.close()
    folder.remove()
  })

  it.each([
    [
      'a payload that does not fit',
      'user_created',
      '{}',
      "users user_created: data must have required property 'email'",
    ],
    ['an unknown event type', 'user_creatd', '{}', 'did you mean "user_created"?'],
  ])('%s is refused by both', async (_, eventType, data, message) => {
    const words = ['--conditions=source', 'service.ts', 'users', eventType, data]
    const service = await run(process.execPath, words, { cwd: folder.path, env: { ...process.env, ...platform.env } })
    expect(service.stderr).toBe('')
    expect(service.stdout).toContain(message)
    const emit = ['events', 'emit', 'users', eventType, '--user', 'u', '--data', data]
    const command = await selfmonitor(emit, { cwd: folder.path, env: platform.env })
    expect(command.code).toBe(1)
    expect(command.stderr).toContain(message)
  })
})
