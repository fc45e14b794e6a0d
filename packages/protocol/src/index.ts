// The package's one door.
export * from './api/index.ts'
export * from './codec/index.ts'
export * from './errors.ts'
export * from './protocol-error.ts'
export * from './records/index.ts'
export * from './types.ts'
