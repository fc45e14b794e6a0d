// What `npm run release` makes, used as others get it: Helm adds the repository, pulls the OCI artifact and installs from both.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run, type ToolResult } from '@selfmonitor/apache'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { orMissing } from './deployment/static/fetch.ts'
import { fetchHelm, type HelmMajor } from './deployment/static/helm.ts'
import { parseObjects } from './deployment/static/objects.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const majors = ['3', '4'] as const
const helms = await orMissing(async () => ({ 3: await fetchHelm('3'), 4: await fetchHelm('4') }))
const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }

describe.skipIf('missing' in helms)('a release', () => {
  let work: string
  let folder: string
  let server: Server
  let address: string

  /** The npm packages are left out: packaging.test.ts builds, packs and installs them. */
  const release = (output: string, ...more: readonly string[]): Promise<ToolResult> =>
    run(process.execPath, ['--conditions=source', 'scripts/release.ts', '--uncommitted', '--output', output, ...more], {
      cwd: root,
      timeoutMs: 120_000,
    })
  const parts = ['chart', 'images', 'sbom'].flatMap((name) => ['--only', name])

  function helm(major: HelmMajor, ...args: readonly string[]): Promise<ToolResult> {
    if ('missing' in helms) throw new Error(helms.missing)
    const home = join(work, `helm-${major}`)
    const env = { HELM_CONFIG_HOME: home, HELM_CACHE_HOME: home, HELM_DATA_HOME: home, KUBECONFIG: '/dev/null' }
    return run(helms.value[major], args, { env: { PATH: process.env.PATH, ...env }, cwd: work })
  }

  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), 'selfmonitor-release-'))
    folder = join(work, 'release')
    const made = await release(folder, ...parts)
    expect(made, made.stdout + made.stderr).toMatchObject({ exitCode: 0 })
    server = createServer((request, response) => {
      answer(folder, request.url ?? '').then(
        ({ body, headers }) => response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : body),
        () => response.writeHead(404).end(),
      )
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  }, 120_000)
  afterAll(async () => {
    await new Promise((resolve) => server?.close(resolve))
    await rm(work, { recursive: true, force: true })
  })

  it.each(majors)(
    'is a Helm repository: Helm %s adds it, updates it, and installs from it',
    {
      timeout: 60_000,
    },
    async (major) => {
      const added = await helm(major, 'repo', 'add', 'selfmonitor', `http://${address}/charts`)
      expect(added, added.stderr).toMatchObject({ exitCode: 0 })
      expect(await helm(major, 'repo', 'update')).toMatchObject({ exitCode: 0 })
      const namespace = ['--namespace', 'kafka', '--create-namespace']
      const production = ['--set', 'environment=production']
      // Helm 3 wants an API server even for a dry run of an installation: it renders.
      const verb = major === '3' ? ['template'] : ['install', '--dry-run=client']
      const chart = 'selfmonitor/selfmonitor-kafka'
      const installed = await helm(major, ...verb, 'kafka-cluster', chart, ...namespace, ...production)
      expect(installed, installed.stderr).toMatchObject({ exitCode: 0 })
      expect(installed.stdout).toContain('kind: StatefulSet')
      // The files that Helm reads beside the templates are in the archive, too.
      expect(installed.stdout).toContain('kafka-init.sh')
      expect(installed.stdout).toContain('transaction.events')
    },
  )

  it.each(majors)('is an OCI artifact that Helm %s pulls and renders', { timeout: 60_000 }, async (major) => {
    const chart = `oci://${address}/streams/selfmonitor-kafka`
    const rendered = await helm(major, 'template', 'kafka-cluster', chart, '--version', version, '--plain-http')
    expect(rendered, rendered.stderr).toMatchObject({ exitCode: 0 })
    expect(parseObjects(rendered.stdout).map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toContain(
      'StatefulSet kafka',
    )
  })

  it('keeps the versions that the repository has already', { timeout: 60_000 }, async () => {
    const earlier = join(work, 'earlier.yaml')
    const index = await readFile(join(folder, 'charts', 'index.yaml'), 'utf8')
    await writeFile(earlier, index.replaceAll(version, '0.0.9'))
    const output = join(work, 'with-earlier')
    const made = await release(output, '--only', 'chart', '--previous-index', earlier)
    expect(made, made.stderr).toMatchObject({ exitCode: 0 })
    const merged = await readFile(join(output, 'charts', 'index.yaml'), 'utf8')
    expect(merged).toContain(`selfmonitor-kafka-${version}.tgz`)
    expect(merged).toContain('selfmonitor-kafka-0.0.9.tgz')
  })

  it('has the same bytes each time it is made from a commit', { timeout: 60_000 }, async () => {
    const again = join(work, 'again')
    expect(await release(again, ...parts)).toMatchObject({ exitCode: 0 })
    const sums = (of: string) => readFile(join(of, 'SHA256SUMS'), 'utf8')
    expect(await sums(again)).toEqual(await sums(folder))
  })

  it('has a checksum of every file', async () => {
    const checked = await run('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: folder })
    expect(checked, checked.stdout).toMatchObject({ exitCode: 0 })
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    const lines = (await readFile(join(folder, 'SHA256SUMS'), 'utf8')).trimEnd().split('\n')
    expect(lines).toHaveLength(entries.filter((entry) => entry.isFile()).length - 1)
  })

  it('lists what the packages depend on, each with a version and a licence, and no address of a registry', async () => {
    const text = await readFile(join(folder, `selfmonitor-streams-${version}.cdx.json`), 'utf8')
    const bill = JSON.parse(text)
    const names = bill.components.map(({ purl }: { purl: string }) => purl)
    expect(names).toContain('pkg:npm/%40platformatic/kafka@2.12.1')
    expect(names).toContain('pkg:npm/avsc@5.7.9')
    expect(names.join()).not.toMatch(/vitest|biome|example-/)
    for (const component of bill.components) {
      expect(component.version, component.purl).toBeTruthy()
      expect(component.licenses?.length, component.purl).toBeGreaterThan(0)
    }
    expect(text).not.toMatch(/"type": "distribution"/)
  })

  it('has for each image what its Dockerfile copies, and no tests', { timeout: 60_000 }, async () => {
    const list = async (file: string) =>
      (await run('tar', ['-tzf', join(folder, 'images', file)])).stdout.trimEnd().split('\n')
    const own = await list(`selfmonitor-${version}.tar.gz`)
    expect(own).toEqual(expect.arrayContaining(['infra/kafka/Dockerfile', 'package-lock.json', 'scripts/build.ts']))
    expect(own).toContain('packages/cli/bin/selfmonitor.js')
    expect(own.filter((path) => /\.test\.ts$|node_modules|^docs\//.test(path))).toEqual([])
    const connect = await list(`kafka-connect-s3-${version}.tar.gz`)
    expect(connect).toEqual(expect.arrayContaining(['connect.Dockerfile', 'plugins/']))
  })

  it('is not made over a folder that no release wrote', async () => {
    const precious = join(work, 'precious')
    await run('mkdir', ['-p', precious])
    await writeFile(join(precious, 'thesis.txt'), 'years of work')
    expect(await release(precious, '--only', 'chart')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(`${precious} is not empty and has no SHA256SUMS`),
    })
    expect(existsSync(join(precious, 'thesis.txt'))).toBe(true)
  })

  it('has no part of a name that is misspelt', async () => {
    expect(await release(join(work, 'unknown'), '--only', 'charts')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('--only charts: the parts are npm, chart, images, sbom'),
    })
  })
})

/** A web server of a repository's files, and a registry that is only read (OCI Distribution 1.1). */
async function answer(folder: string, url: string): Promise<{ body: Buffer; headers: Record<string, string> }> {
  const layout = join(folder, 'oci', `selfmonitor-kafka-${version}`)
  const [, kind, reference] = /^\/v2\/streams\/selfmonitor-kafka\/(manifests|blobs)\/([\w:.-]+)$/.exec(url) ?? []
  if (kind && reference) {
    const { manifests } = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8'))
    const digest = reference === version ? String(manifests[0].digest) : reference
    const body = await readFile(join(layout, 'blobs', ...digest.split(':')))
    expect(`sha256:${createHash('sha256').update(body).digest('hex')}`).toBe(digest)
    const type = kind === 'manifests' ? 'application/vnd.oci.image.manifest.v1+json' : 'application/octet-stream'
    const headers = { 'content-type': type, 'content-length': String(body.length), 'docker-content-digest': digest }
    return { body, headers }
  }
  const [, file] = /^\/charts\/([\w.-]+)$/.exec(url) ?? []
  if (!file) throw new Error(`nothing at ${url}`)
  return { body: await readFile(join(folder, 'charts', file)), headers: {} }
}
