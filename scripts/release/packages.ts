// The npm packages: built, and packed as `npm publish` takes them.
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '@selfmonitor/apache'
import { root } from '../manifests/files.ts'

/**
 * Builds every package and packs it.
 * @param folder where the tarballs go; made when it is not there
 * @returns their file names.
 * @throws Error with the output of what failed.
 */
export async function packPackages(folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  const env = environmentOfNpm()
  await succeed(process.execPath, ['--conditions=source', 'scripts/build.ts'], env)
  const workspaces = await publishedWorkspaces()
  await succeed('npm', ['pack', ...workspaces, '--ignore-scripts', '--pack-destination', folder], env)
  return (await readdir(folder)).filter((file) => file.endsWith('.tgz')).sort()
}

/**
 * A software bill of materials in CycloneDX's JSON: what the packages depend on, on every platform, in the lock file's versions.
 * @throws Error with what npm says.
 */
export async function billOfMaterials(committedAt: number): Promise<string> {
  const format = ['--sbom-format', 'cyclonedx', '--sbom-type', 'application']
  // Not `--omit dev`: npm would leave out what a package needs as soon as a development dependency of the root needs it, too.
  const args = ['sbom', ...format, '--package-lock-only', ...(await publishedWorkspaces())]
  const bill = JSON.parse(await succeed('npm', args, environmentOfNpm()))
  // npm takes the root's name from its folder, and a random number and the time of day that would make every run another file.
  bill.metadata.component.name = 'selfmonitor-streams'
  bill.metadata.timestamp = new Date(committedAt * 1000).toISOString()
  delete bill.serialNumber
  return `${JSON.stringify(bill, null, 2)}\n`
}

/** The packages as npm's options; examples are workspaces as well, and are not published. */
async function publishedWorkspaces(): Promise<string[]> {
  return (await readdir(join(root, 'packages'))).map((name) => `--workspace=packages/${name}`)
}

/** The environment without the variables of the npm that started this process, whose settings are for another command. */
function environmentOfNpm(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS|VITEST)/i.test(name)),
  ) as NodeJS.ProcessEnv
}

async function succeed(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const { exitCode, stdout, stderr } = await run(command, args, { cwd: root, env, timeoutMs: 300_000 })
  if (exitCode !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`)
  return stdout
}
