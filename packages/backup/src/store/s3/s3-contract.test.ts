import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe } from 'vitest'
import {
  missingMoto,
  missingVersitygw,
  moto,
  type S3Server,
  versitygw,
} from '../../../../../test/support/s3/servers.ts'
import { describeStoreContract } from '../../test-support/store-contract.ts'
import { openStore } from '../open-store.ts'

const gatewayMissing = await missingVersitygw()
const places = [
  { kind: versitygw, bucketKind: 'plain', missing: gatewayMissing },
  { kind: versitygw, bucketKind: 'versions', missing: gatewayMissing },
  { kind: moto, bucketKind: 'plain', missing: await missingMoto() },
] as const

describe.each(places)('a bucket ($bucketKind) of $kind.name', ({ kind, bucketKind, missing }) => {
  describe.skipIf(missing !== null)('as a store', () => {
    let server: S3Server
    const bucket = `bucket-${randomUUID()}`

    beforeAll(async () => {
      server = await kind.start()
      await server.makeBucket(bucket, bucketKind)
    })

    afterAll(() => server?.stop())

    const open = (name: string) =>
      openStore(`s3://${bucket}/backups/${name}`, { endpoint: server.endpoint, credentials: server.credentials })
    // moto looks whether an object exists and then writes it, in several threads.
    describeStoreContract('a store', open, kind !== moto)
  })
})
