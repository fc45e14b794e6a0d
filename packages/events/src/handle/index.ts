// The door of the handling side.
export { type Consumer, createConsumer, type HandlerTable } from './consumer.ts'
export { createDeadLetterWriter } from './dead-letter.ts'
