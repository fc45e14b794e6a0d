// The native packages of this package. Each is loaded when it is first used: code that reads only messages,
// names of errors or the partition of a key loads none, and snappy and lz4 are loaded for the first batch that needs them.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/**
 * @returns a function that gives the package, loaded the first time it is called
 * @throws Error (from that function) when the package has no build for this machine, or is not installed
 */
function later<Package>(name: string): () => Package {
  let loaded: Package | undefined
  return () => {
    loaded ??= load(name) as Package
    return loaded
  }
}

function load(name: string): unknown {
  try {
    return require(name)
  } catch (error) {
    const machine = `${process.platform}-${process.arch}`
    throw new Error(`Cannot load the native package ${name} on ${machine}. Install it again: npm install ${name}`, {
      cause: error,
    })
  }
}

// The used parts, declared here, so that our declarations do not depend on theirs.
interface Snappy {
  compress(data: Buffer): Promise<Buffer>
  compressSync(data: Buffer): Buffer
  uncompress(data: Buffer, options: { asBuffer: true }): Promise<Buffer | string>
  uncompressSync(data: Buffer, options: { asBuffer: true }): Buffer | string
}

interface Lz4 {
  compressFrame(data: Buffer): Promise<Buffer>
  compressFrameSync(data: Buffer): Buffer
  decompressFrame(data: Buffer): Promise<Buffer>
  decompressFrameSync(data: Buffer): Buffer
}

export const snappy = later<Snappy>('snappy')
export const lz4 = later<Lz4>('lz4-napi')

const crc32 = later<{ crc32c(data: Uint8Array): number }>('@node-rs/crc32')

/** CRC-32C (Castagnoli), as record batches have it. */
export function crc32c(data: Uint8Array): number {
  return crc32().crc32c(data)
}
