// The door of the partition logs.
export * from './errors.ts'
export type * from './types.ts'
