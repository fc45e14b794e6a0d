// The package's public exports.
export type * from './format/types.ts'
export { formatName, formatVersion } from './format/types.ts'
export { StoreError } from './store/store-error.ts'
export type * from './store/types.ts'
