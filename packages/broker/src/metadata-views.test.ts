import { expect, it } from 'vitest'
import type { MetadataStore } from './metadata/index.ts'
import { logConfigOf } from './metadata-views.ts'

it('a log whose topic is deleted while it waits to be opened fails with an error that clients know', () => {
  const metadata = { topic: () => undefined } as unknown as MetadataStore
  expect(() => logConfigOf(metadata, 'gone')).toThrow(
    expect.objectContaining({ code: 'KAFKA_STORAGE_ERROR', message: 'topic gone was deleted' }),
  )
})
