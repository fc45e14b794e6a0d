// The package's one door.
export { formatProblem, PlatformError, type PlatformErrorCode } from './errors.ts'
export { platformJsonSchema } from './format.ts'
export { defaultEnvironment, type LoadOptions, loadPlatform } from './load.ts'
export type * from './types.ts'
