// The Helm chart as an archive with the index of a repository, and as an OCI artifact.
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '@selfmonitor/apache'
import { parse, stringify } from 'yaml'
import { fetchHelm } from '../../test/deployment/static/helm.ts'
import { differences, root } from '../manifests/files.ts'
import { platformCopies } from '../manifests/platform-copies.ts'

export interface ChartOptions {
  /** Seconds since 1970: the time of the files in the archive and of the entry in the index. */
  readonly committedAt: number
  /** Index of the repository as it is now; its versions stay in the new one. */
  readonly previousIndex?: string
}

/**
 * Packs the chart into `folder` and writes the `index.yaml` of a Helm repository beside it. The index names the archive
 * relative to itself, so the folder can be served at any address.
 * @returns the path of the archive.
 * @throws Error when the chart's copies of platform.yaml are old, and with what Helm says.
 */
export async function packChart(folder: string, { committedAt, previousIndex }: ChartOptions): Promise<string> {
  const stale = await differences(await platformCopies())
  if (stale.length > 0) throw new Error(`${stale[0]!.path} is not up to date: npm run manifests`)
  await mkdir(folder, { recursive: true })
  const helm = await fetchHelm('4')
  const staged = await mkdtemp(join(tmpdir(), 'selfmonitor-chart-'))
  try {
    // Helm keeps the files' times, which in a checkout are the time of the checkout.
    const chart = join(staged, 'selfmonitor-kafka')
    await cp(join(root, 'infra/k8s/kafka/helm'), chart, { recursive: true })
    for (const entry of await readdir(chart, { recursive: true }))
      await utimes(join(chart, entry), committedAt, committedAt)
    await helmRun(helm, ['package', chart, '--destination', folder])
    const merge = previousIndex === undefined ? [] : ['--merge', previousIndex]
    await helmRun(helm, ['repo', 'index', folder, ...merge])
  } finally {
    await rm(staged, { recursive: true })
  }
  const { name, version } = parse(await readFile(join(root, 'infra/k8s/kafka/helm/Chart.yaml'), 'utf8'))
  await dateIndex(join(folder, 'index.yaml'), name, version, new Date(committedAt * 1000).toISOString())
  return join(folder, `${name}-${version}.tgz`)
}

/** Helm writes the current time into the index, so the same commit would give a different index each time. */
async function dateIndex(path: string, name: string, version: string, date: string): Promise<void> {
  const index = parse(await readFile(path, 'utf8'))
  index.generated = date
  for (const entry of index.entries[name]) if (entry.version === version) entry.created = date
  await writeFile(path, stringify(index, { lineWidth: 0 }))
}

async function helmRun(helm: string, args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run(helm, args)
  if (exitCode !== 0) throw new Error(`helm ${args.join(' ')}: ${stderr.trim()}`)
  return stdout
}

/**
 * Writes a packed chart as an OCI image layout, which `oras cp --from-oci-layout` or `skopeo copy oci:…` puts into a registry.
 * Format: OCI Image Layout 1.0 and Helm's media types (helm.sh/docs/topics/registries). `helm push` of the archive does the same.
 */
export async function writeOciLayout(archive: string, folder: string, committedAt: number): Promise<void> {
  const blobs = join(folder, 'blobs', 'sha256')
  await mkdir(blobs, { recursive: true })
  const put = async (mediaType: string, bytes: Buffer) => {
    const digest = createHash('sha256').update(bytes).digest('hex')
    await writeFile(join(blobs, digest), bytes)
    return { mediaType, digest: `sha256:${digest}`, size: bytes.length }
  }
  const metadata = parse(await readFile(join(root, 'infra/k8s/kafka/helm/Chart.yaml'), 'utf8'))
  const json = (value: unknown) => Buffer.from(JSON.stringify(value))
  const config = await put('application/vnd.cncf.helm.config.v1+json', json(metadata))
  const layer = await put('application/vnd.cncf.helm.chart.content.v1.tar+gzip', await readFile(archive))
  const manifest = await put(
    'application/vnd.oci.image.manifest.v1+json',
    json({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config,
      layers: [layer],
      annotations: {
        'org.opencontainers.image.title': metadata.name,
        'org.opencontainers.image.version': metadata.version,
        'org.opencontainers.image.description': metadata.description,
        'org.opencontainers.image.created': new Date(committedAt * 1000).toISOString(),
      },
    }),
  )
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  const tagged = { ...manifest, annotations: { 'org.opencontainers.image.ref.name': metadata.version } }
  await writeFile(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [tagged] }))
}
