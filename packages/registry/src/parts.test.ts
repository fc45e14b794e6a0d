// What the parts of this package load: code that frames data or calls a registry loads no server and no Kafka client.
import { expect, it } from 'vitest'
import { modulesLoadedBy } from '../../../test/support/loaded-modules.ts'

const loadedBy = (name: string): string[] => modulesLoadedBy(`await import('${name}')`, import.meta.dirname)

it('the framing is one module', () => {
  expect(loadedBy('@selfmonitor/registry/frame')).toEqual([
    expect.stringMatching(/\/packages\/registry\/src\/frame\.ts$/),
  ])
})

it('the client loads nothing of a Kafka client, of a web framework or of native packages', () => {
  const foreign =
    /@platformatic|fastify|\/zod\/|snappy|lz4-napi|@node-rs|packages\/(protocol|cluster\/src\/(?!backoff))/
  expect(loadedBy('@selfmonitor/registry').filter((url) => foreign.test(url))).toEqual([])
})

it('a validator of JSON Schemas is loaded with the first schema, not with the formats', () => {
  expect(loadedBy('@selfmonitor/registry/formats').filter((url) => /node_modules\/ajv/.test(url))).toEqual([])
})
