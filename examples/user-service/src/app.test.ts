import { fileURLToPath } from 'node:url'
import { startTestPlatform, type TestPlatform } from '@selfmonitor/events/testing'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildApp } from './app.ts'

describe('the user service', () => {
  let platform: TestPlatform
  let app: FastifyInstance
  beforeAll(async () => {
    platform = await startTestPlatform({ dir: fileURLToPath(new URL('../../..', import.meta.url)) })
    app = await buildApp(platform.options)
  })
  afterAll(async () => {
    await app?.close()
    await platform?.close()
  })

  const ada = { email: 'ada@example.com', country: 'GB', channel: 'web' }

  it('emits user_created when somebody signs up', async () => {
    const response = await app.inject({ method: 'POST', url: '/users', payload: ada })
    expect(response.statusCode).toBe(201)
    const { userId, eventId } = response.json<{ userId: string; eventId: string }>()
    expect(platform.emitted).toContainEqual(
      expect.objectContaining({ topic: 'user.events', eventType: 'user_created', userId, eventId, data: ada }),
    )
  })

  it('keeps what a user does in order: everything about one user is in one partition', async () => {
    const { userId } = (await app.inject({ method: 'POST', url: '/users', payload: ada })).json<{ userId: string }>()
    await app.inject({ method: 'POST', url: `/users/${userId}/verification`, payload: { channel: 'email' } })
    const [created, verified] = platform.emitted.filter((event) => event.userId === userId)
    expect(verified).toMatchObject({ eventType: 'user_verified', partition: created!.partition })
    expect(verified!.offset).toBeGreaterThan(created!.offset)
  })

  it('answers 400 and says what is wrong when the event would not fit its schema', async () => {
    const before = platform.emitted.length
    const response = await app.inject({ method: 'POST', url: '/users', payload: { ...ada, country: 'Great Britain' } })
    expect(response.statusCode).toBe(400)
    expect(response.json()).toMatchObject({ problems: [{ path: '/country' }] })
    expect(platform.emitted.length).toBe(before)
  })

  it('is ready while it can emit', async () => {
    expect((await app.inject('/ready')).statusCode).toBe(200)
  })
})
