// The package's one door.
export type * from './types.ts'
