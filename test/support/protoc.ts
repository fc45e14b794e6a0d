// protoc, the compiler of Protocol Buffers, from Maven Central: Debian's is older than editions.
import { chmod, copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDir, run } from '@selfmonitor/apache'
import { checkIntegrity, onceInCache, ToolUnavailable } from '../deployment/static/fetch.ts'

const version = '4.32.0'
/** By the name of the platform in Maven. */
const checksums: Readonly<Record<string, string>> = {
  'linux-x86_64': '373c7da2c1cae98ac1a494a8a53e28100af70450ab55c064daa92ba48af5fe23',
}

/** @returns the path of the program, in the cache. @throws ToolUnavailable when Maven cannot fetch it */
export async function fetchProtoc(): Promise<string> {
  const platform = `${process.platform}-${process.arch === 'x64' ? 'x86_64' : process.arch}`
  const sha256 = checksums[platform]
  if (sha256 === undefined) throw new ToolUnavailable(`protoc is not pinned for ${platform}`)
  const folder = join(cacheDir(), 'protoc', version)
  const program = join(folder, 'protoc')
  await onceInCache(folder, async (partial) => {
    const result = await run('mvn', [
      ...['--batch-mode', '--quiet', 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'],
      ...[`-Dartifact=com.google.protobuf:protoc:${version}:exe:${platform}`, `-DoutputDirectory=${partial}`],
    ]).catch(() => undefined)
    if (result?.exitCode !== 0) {
      throw new ToolUnavailable(`Maven could not fetch protoc ${version}: ${result?.stdout ?? 'mvn is not installed'}`)
    }
    const file = join(partial, `protoc-${version}-${platform}.exe`)
    await checkIntegrity(file, `sha256-${Buffer.from(sha256, 'hex').toString('base64')}`)
    await copyFile(file, join(partial, 'protoc'))
    await chmod(join(partial, 'protoc'), 0o755)
  })
  return program
}
