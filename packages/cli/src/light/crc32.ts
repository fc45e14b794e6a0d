// In place of `@node-rs/crc32`: loaded at the first checksum; without it, as the client does, the one in WebAssembly.
import { clientRequire } from './client-require.ts'

type Checksum = (data: Uint8Array) => number

let chosen: Checksum | undefined

export function crc32c(data: Uint8Array): number {
  chosen ??= choose()
  return chosen(data)
}

function choose(): Checksum {
  try {
    return (clientRequire('@node-rs/crc32') as { crc32c: Checksum }).crc32c
  } catch {
    return (clientRequire('@platformatic/wasm-utils') as { crc32c: Checksum }).crc32c
  }
}
