// SASL on a listener without SASL, on the embedded broker and on Apache Kafka: what is expected here holds for both.
import { errorCodes } from '@selfmonitor/protocol'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { type RawClient, rawClient } from '../test-support/raw-client.ts'

describeEngines('a listener without SASL', (engine) => {
  let client: RawClient
  beforeEach(async () => {
    client = await rawClient(engine.bootstrapServers)
  })
  afterEach(() => client.close())

  it('lists the APIs of SASL, refuses them with ILLEGAL_SASL_STATE, and keeps the connection', async () => {
    const { apiKeys } = await client.call('ApiVersions', 0, {})
    expect(apiKeys).toEqual(
      expect.arrayContaining([
        { apiKey: 17, minVersion: 0, maxVersion: 1 },
        { apiKey: 36, minVersion: 0, maxVersion: 2 },
      ]),
    )
    for (const version of [0, 1]) {
      expect(await client.call('SaslHandshake', version, { mechanism: 'PLAIN' })).toMatchObject({
        errorCode: errorCodes.ILLEGAL_SASL_STATE,
        mechanisms: [],
      })
    }
    for (const version of [0, 1, 2]) {
      const authenticate = await client.call('SaslAuthenticate', version, { authBytes: Buffer.from('\0ann\0secret') })
      expect(authenticate).toMatchObject({
        errorCode: errorCodes.ILLEGAL_SASL_STATE,
        errorMessage: 'SaslAuthenticate request received after successful authentication',
        authBytes: Buffer.alloc(0),
      })
    }
    expect((await client.call('ApiVersions', 0, {})).errorCode).toBe(0)
  })
})
