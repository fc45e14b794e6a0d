import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseAddress } from './address.ts'
import { openStore } from './open-store.ts'

describe('the address of a store', () => {
  it.each([
    ['/var/backups/kafka', '/var/backups/kafka'],
    ['/var/backups//kafka/', '/var/backups/kafka'],
    ['file:///var/backups/kafka', '/var/backups/kafka'],
    ['file://localhost/var/with%20space', '/var/with space'],
    ['backups', resolve('backups')],
    ['./a:b', resolve('./a:b')],
    ['../backups', resolve('../backups')],
  ])('%s is the folder %s', (text, path) => {
    expect(parseAddress(text)).toEqual({ kind: 'folder', address: path, path })
  })

  it.each([
    ['s3://kafka-backups', 's3://kafka-backups', 'kafka-backups', ''],
    ['s3://kafka-backups/', 's3://kafka-backups', 'kafka-backups', ''],
    ['s3://kafka-backups/user.events', 's3://kafka-backups/user.events', 'kafka-backups', 'user.events/'],
    ['S3://a.b.c/x/y/', 's3://a.b.c/x/y', 'a.b.c', 'x/y/'],
  ])('%s is a bucket', (text, address, bucket, prefix) => {
    expect(parseAddress(text)).toEqual({ kind: 's3', address, bucket, prefix })
  })

  it.each([
    ['', /empty/],
    ['  ', /empty/],
    ['gs://bucket/prefix', /"gs:" is not supported/],
    ['https://bucket.s3.amazonaws.com/x', /"https:" is not supported/],
    ['C:\\backups', /"c:" is not supported/],
    ['~/backups', /"~"/],
    ['a\0b', /zero byte/],
    ['file://server/share', /not the URL of a local folder/],
    ['file:relative', /not the URL of a local folder/],
    ['s3:', /begins with s3:\/\//],
    ['s3:/bucket', /begins with s3:\/\//],
    ['s3://', /"" is not a valid name of a bucket/],
    ['s3:///prefix', /"" is not a valid name of a bucket/],
    ['s3://Bucket', /"Bucket" is not a valid name/],
    ['s3://b', /not a valid name/],
    ['s3://bucket//x', /not a valid prefix/],
    ['s3://bucket/../x', /not a valid prefix/],
    ['s3://bucket/a b', /not a valid prefix/],
    [`s3://bucket/${'x'.repeat(201)}`, /longer than 200/],
  ])('%j is refused', async (text, message) => {
    await expect(openStore(text)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/./),
    })
  })

  it.each(['s3://key:pa55word@bucket/x', 's3://bucket/x?secret=pa55word', 's3://bucket#pa55word'])(
    'a password in %s is not repeated',
    async (text) => {
      const error = await openStore(text).catch((reason) => reason)
      expect(error.code).toBe('INVALID_ARGUMENT')
      expect(`${error.message} ${error.hint} ${error.stack}`).not.toContain('pa55word')
    },
  )
})
