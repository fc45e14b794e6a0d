// `npm run manifests`: copies platform.yaml and schemas/ into the chart, makes its rules, routes and dashboards, and renders the plain
// manifests from it.
// `-- --check` only compares, and fails when a file would change.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { differences, type GeneratedFile, root } from './manifests/files.ts'
import { monitoringFiles } from './manifests/monitoring-files.ts'
import { plainManifests } from './manifests/plain.ts'
import { platformCopies } from './manifests/platform-copies.ts'

const checkOnly = process.argv.includes('--check')

const steps = [
  { what: 'files/platform of the chart', make: platformCopies },
  { what: 'files/monitoring of the chart', make: monitoringFiles },
  // Last: rendered from a chart that has the files.
  { what: 'plain manifests', make: plainManifests },
]
for (const { what, make } of steps) {
  const changed = await differences(await make())
  for (const file of changed) {
    if (checkOnly) {
      console.error(`${file.path} is not up to date: npm run manifests`)
      process.exitCode = 1
    } else {
      await write(file)
    }
  }
  if (checkOnly && changed.length > 0) break
  if (changed.length === 0) console.log(`${what}: up to date`)
}

async function write({ path, text }: GeneratedFile): Promise<void> {
  const absolute = join(root, path)
  if (text === null) {
    await rm(absolute)
    console.log(`${path} removed`)
    return
  }
  await mkdir(dirname(absolute), { recursive: true })
  const existed = await readFile(absolute).then(
    () => true,
    () => false,
  )
  await writeFile(absolute, text)
  console.log(`${path} ${existed ? 'written' : 'made'}`)
}
