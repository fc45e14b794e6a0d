// All APIs and their frames.
export type { Api } from './api.ts'
export * from './body.ts'
export * from './frames.ts'
export {
  type ApiName,
  apiByKey,
  apis,
  type RequestInput,
  type RequestOf,
  type ResponseInput,
  type ResponseOf,
} from './table.ts'
