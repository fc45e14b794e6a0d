// The source of a release: one commit, and one version in every file that names it.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '@selfmonitor/apache'
import { parse } from 'yaml'
import { root } from '../manifests/files.ts'

export interface ReleaseSource {
  readonly version: string
  /** The tree that is archived: HEAD, or a commit of nothing but the working tree where uncommitted changes are allowed. */
  readonly tree: string
  /** Seconds since 1970 of the last commit: the time of every file in an archive, so that the same commit gives the same bytes. */
  readonly committedAt: number
}

/**
 * Reads version and commit.
 * @param uncommitted whether changes that are not committed may be released (for a trial)
 * @throws Error when the working tree has other changes, or places disagree about the version.
 */
export async function releaseSource(uncommitted: boolean): Promise<ReleaseSource> {
  const changed = await git('status', '--porcelain')
  if (changed !== '' && !uncommitted)
    throw new Error(
      `the working tree has changes that are not committed:\n${changed}\nCommit or stash them; for a trial: npm run release -- --uncommitted`,
    )
  const versions = await versionsByPlace()
  const version = versions.get('package.json')!
  const others = [...versions].filter(([, other]) => other !== version)
  if (others.length > 0)
    throw new Error(
      `package.json is version ${version}, but ${others.map(([place, other]) => `${place} says ${other}`).join(', ')}: set all to one version`,
    )
  const committedAt = Number(await git('log', '-1', '--format=%ct'))
  const tree = (changed !== '' && (await commitOfChanges(committedAt))) || (await git('rev-parse', 'HEAD'))
  return { version, tree, committedAt }
}

/** @returns a commit of the changed files, with the time of the last one; empty when only untracked files are new */
async function commitOfChanges(committedAt: number): Promise<string> {
  const date = `@${committedAt} +0000`
  const env = { ...process.env, GIT_COMMITTER_DATE: date, GIT_AUTHOR_DATE: date }
  const { exitCode, stdout, stderr } = await run('git', ['stash', 'create'], { cwd: root, env })
  if (exitCode !== 0) throw new Error(`git stash create: ${stderr.trim()}`)
  return stdout.trim()
}

/** @returns the standard output of git in the repository, without the last line break. @throws Error with what it says. */
export async function git(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run('git', args, { cwd: root })
  if (exitCode !== 0) throw new Error(`git ${args.join(' ')}: ${stderr.trim()}`)
  return stdout.trimEnd()
}

/** The version by the file that has it. */
async function versionsByPlace(): Promise<Map<string, string>> {
  const json = async (path: string) => JSON.parse(await readFile(join(root, path), 'utf8')) as { version: string }
  const yaml = async (path: string) => parse(await readFile(join(root, path), 'utf8'))
  const found = new Map<string, string>()
  const packages = (await readdir(join(root, 'packages'))).map((name) => `packages/${name}/package.json`)
  for (const path of ['package.json', ...packages]) found.set(path, (await json(path)).version)
  const chart = 'infra/k8s/kafka/helm'
  found.set(`${chart}/Chart.yaml`, (await yaml(`${chart}/Chart.yaml`)).version)
  const { images } = await yaml(`${chart}/values.yaml`)
  for (const name of ['selfmonitor', 'connect'])
    found.set(`${chart}/values.yaml images.${name}.tag`, String(images[name].tag))
  return found
}
