// The package's one door.
export * from './api/index.ts'
export * from './codec/index.ts'
export * from './protocol-error.ts'
export * from './types.ts'
