// The door of the handling side.
export { type Consumer, createConsumer, type HandlerTable } from './consumer.ts'
export { createDeadLetterWriter, deadLetterHeaders, deadLetterTopic } from './dead-letter.ts'
