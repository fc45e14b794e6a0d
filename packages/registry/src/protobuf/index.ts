// The exports of this folder: the Protobuf language. Pure, no I/O.
export { checkFile } from './check.ts'
export { describeFile, isPacked, jsonNameOf } from './descriptor.ts'
export { isBase64, readDescriptor } from './from-descriptor.ts'
export { closureOf, importsFrom, knownFile, type LinkedFile, linkFile, linkText, ownPath } from './link.ts'
export * from './model.ts'
export { normalizeProto, withoutExtensions } from './normalize.ts'
export { parseProto } from './parse.ts'
export { printProto } from './print.ts'
