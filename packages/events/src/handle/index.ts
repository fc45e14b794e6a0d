// The exports of `handle/` for the rest of the package.
export { type Consumer, createConsumer } from './consumer.ts'
export { createDeadLetterWriter } from './dead-letter.ts'
export { addHandler } from './handler-names.ts'
export type { TopicHandlers } from './received.ts'
