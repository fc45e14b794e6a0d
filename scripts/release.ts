// `npm run release`: everything that a release publishes, made from one commit, in the folder release/. Nothing is uploaded;
// CONTRIBUTING.md says how to.
import { createHash } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from './manifests/files.ts'
import { packChart, writeOciLayout } from './release/chart.ts'
import { archiveContexts } from './release/images.ts'
import { billOfMaterials, packPackages } from './release/packages.ts'
import { type ReleaseSource, releaseSource } from './release/source.ts'

/** Makes one part of the release in the folder of the release. */
type Part = (folder: string, source: ReleaseSource) => Promise<void>

const { values: options } = parseArgs({
  options: {
    output: { type: 'string', default: join(root, 'release') },
    /** Names of parts; default: all. */
    only: { type: 'string', multiple: true },
    uncommitted: { type: 'boolean', default: false },
    'previous-index': { type: 'string' },
  },
})

const parts: Readonly<Record<string, Part>> = {
  npm: async (folder) => {
    await packPackages(join(folder, 'npm'))
  },
  chart: async (folder, { version, committedAt }) => {
    const previousIndex = options['previous-index']
    const chart = await packChart(join(folder, 'charts'), { committedAt, ...(previousIndex && { previousIndex }) })
    await writeOciLayout(chart, join(folder, 'oci', `selfmonitor-kafka-${version}`), committedAt)
  },
  images: async (folder, source) => {
    await archiveContexts(join(folder, 'images'), source)
  },
  sbom: async (folder, { version, committedAt }) => {
    await writeFile(join(folder, `selfmonitor-streams-${version}.cdx.json`), await billOfMaterials(committedAt))
  },
}

async function main(): Promise<void> {
  const unknown = (options.only ?? []).find((name) => !(name in parts))
  if (unknown !== undefined) throw new Error(`--only ${unknown}: the parts are ${Object.keys(parts).join(', ')}`)
  const folder = resolve(options.output)
  const source = await releaseSource(options.uncommitted)
  await emptyReleaseFolder(folder)
  for (const [name, make] of Object.entries(parts)) {
    if (options.only && !options.only.includes(name)) continue
    const started = Date.now()
    await make(folder, source)
    console.error(`${name.padEnd(8)} ${String(Date.now() - started).padStart(6)} ms`)
  }
  await writeChecksums(folder)
  console.error(`SelfMonitor Streams ${source.version} in ${relative(process.cwd(), folder) || '.'}`)
}

/** @throws Error when the folder has files that no release wrote, because they would be deleted. */
async function emptyReleaseFolder(folder: string): Promise<void> {
  const there: string[] = await readdir(folder).catch(() => [])
  if (there.length > 0 && !there.includes(checksums))
    throw new Error(
      `${folder} is not empty and has no ${checksums}, so it is not the folder of a release: choose another --output`,
    )
  await rm(folder, { recursive: true, force: true })
}

const checksums = 'SHA256SUMS'

/** As `sha256sum --check` reads it. */
async function writeChecksums(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  const lines: string[] = []
  for (const file of files) {
    const bytes = await readFile(file)
    const name = relative(folder, file)
    lines.push(`${createHash('sha256').update(bytes).digest('hex')}  ${name}\n`)
    console.log(`${name.padEnd(64)} ${String(bytes.length).padStart(10)} B`)
  }
  await writeFile(join(folder, checksums), lines.join(''))
}

await main().catch((error: Error) => {
  console.error(`release: ${error.message}`)
  process.exitCode = 1
})
