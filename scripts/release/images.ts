// Build contexts of the images, as archives for the standard input of `docker build`.

import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { root } from '../manifests/files.ts'
import type { ReleaseSource } from './source.ts'

/**
 * Writes one archive for each image of ours.
 *
 *     docker build -f infra/kafka/Dockerfile - < selfmonitor-0.1.0.tar.gz
 *     docker build -f connect.Dockerfile - < kafka-connect-s3-0.1.0.tar.gz
 *     docker build -f tools.Dockerfile - < kafka-tools-0.1.0.tar.gz
 *
 * @returns their file names.
 * @throws Error with what git says.
 */
export async function archiveContexts(folder: string, { version, tree }: ReleaseSource): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  const recipes = join(root, 'infra/kafka')
  const contexts = [
    {
      name: 'selfmonitor',
      folder: root,
      paths: [...(await contextPaths()), 'infra/kafka/Dockerfile', '.dockerignore'],
    },
    { name: 'kafka-connect-s3', folder: recipes, paths: ['connect.Dockerfile', 'plugins'] },
    { name: 'kafka-tools', folder: recipes, paths: ['tools.Dockerfile'] },
  ]
  const files: string[] = []
  for (const context of contexts) {
    const file = `${context.name}-${version}.tar.gz`
    await archive(tree, context.folder, context.paths, join(folder, file))
    files.push(file)
  }
  return files
}

/** The files that .dockerignore lets a build see, as paths for git. */
async function contextPaths(): Promise<string[]> {
  const lines = (await readFile(join(root, '.dockerignore'), 'utf8')).split('\n').map((line) => line.trim())
  return lines.flatMap((line) => {
    if (line === '' || line === '*' || line.startsWith('#')) return []
    if (line.startsWith('!')) return `:(glob)${line.slice(1)}`
    return [`:(exclude,glob)${line}`, `:(exclude,glob)${line}/**`]
  })
}

/**
 * Archives a folder of a commit. Its files have the time of the commit (files of a bare tree would get the current time), and
 * gzip writes none: the same commit gives the same bytes.
 */
async function archive(tree: string, from: string, paths: readonly string[], to: string): Promise<void> {
  const git = spawn('git', ['archive', '--format=tar', tree, '--', ...paths], {
    cwd: from,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  git.stderr.on('data', (chunk) => {
    said += chunk
  })
  const ended = new Promise<number | null>((resolve, reject) => git.once('error', reject).once('close', resolve))
  await pipeline(git.stdout, createGzip({ level: 9 }), createWriteStream(to))
  if ((await ended) !== 0) throw new Error(`git archive ${tree}: ${said.trim()}`)
}
