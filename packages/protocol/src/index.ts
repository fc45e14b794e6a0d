// The package's one door.
export * from './types.ts'
