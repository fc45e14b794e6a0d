// Kubernetes' own programs, built from their modules with Go, because nothing that npm, Maven or Debian offers has them: API server,
// controller manager, etcd and kubectl of one version, and the oldest Helm that the chart promises to work with.
//
//   npm run kubernetes      builds them into the cache, once: some minutes on two processors
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDir, run } from '@selfmonitor/apache'
import { onceInCache, ToolUnavailable } from '../static/fetch.ts'

const version = '1.37.2'
const helmVersion = '3.8.2'
const minimumGo = 'go1.26'
/** Another Kubernetes can be tried with a folder that has the five programs. */
const folder = process.env.SELFMONITOR_TEST_KUBERNETES ?? join(cacheDir(), 'kubernetes', version)

/** What is built from which module; Go's checksum database vouches for what a version stands for. */
const recipes = [
  {
    name: 'kubernetes',
    module: `k8s.io/kubernetes@v${version}`,
    packages: {
      etcd: 'go.etcd.io/etcd/server/v3',
      'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
      'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
      kubectl: 'k8s.io/kubernetes/cmd/kubectl',
    },
    // Its parts are modules of their own, which its go.mod takes from folders that the module does not have.
    replaced: (own: string) =>
      [...own.matchAll(/^\s*(k8s\.io\/\S+) => \.\/staging\//gm)].map(
        ([, part]) => `replace ${part} => ${part} v0.${version.slice('1.'.length)}`,
      ),
    stamp: Object.entries({ Version: `v${version}`, Major: '1', Minor: version.split('.')[1] })
      .map(([key, value]) => `-X k8s.io/component-base/version.git${key}=${value}`)
      .join(' '),
  },
  {
    name: 'helm',
    module: `helm.sh/helm/v3@v${helmVersion}`,
    packages: { helm: 'helm.sh/helm/v3/cmd/helm' },
    replaced: () => [],
    stamp: '',
  },
] as const

/** Paths of the programs; `helm` is the oldest that counts. */
export type KubernetesBinaries = Readonly<Record<keyof (typeof recipes)[0]['packages'] | 'helm', string>>

/** Why the programs are not here, null when they are. */
export function missingKubernetes(): string | null {
  return existsSync(folder) ? null : `Kubernetes ${version} is not built: npm run kubernetes does it, with ${minimumGo}`
}

export const kubernetesBinaries = (): KubernetesBinaries =>
  Object.fromEntries(
    recipes.flatMap(({ packages }) => Object.keys(packages)).map((name) => [name, join(folder, name)]),
  ) as KubernetesBinaries

/**
 * Builds what is not in the cache.
 * @throws ToolUnavailable when there is no Go, or its modules cannot be had; Error when what came does not build.
 */
export async function buildKubernetes(progress: (line: string) => void): Promise<void> {
  const said = await run('go', ['env', 'GOVERSION']).catch(() => null)
  const found = said?.stdout.trim() ?? 'none'
  if (!/^go1\.(\d+)/.test(found) || Number(/^go1\.(\d+)/.exec(found)![1]) < Number(minimumGo.slice('go1.'.length)))
    throw new ToolUnavailable(`Kubernetes ${version} is built with ${minimumGo} or newer; here is ${found}`)
  await onceInCache(folder, async (partial) => {
    for (const { name, module, replaced, packages, stamp } of recipes) {
      const cwd = join(partial, `${name}.module`)
      await mkdir(cwd)
      const env = { ...process.env, GOFLAGS: '-mod=mod -buildvcs=false', GOWORK: 'off', CGO_ENABLED: '0' }
      const go = async (...args: readonly string[]) => {
        const { exitCode, stdout, stderr } = await run('go', args, { cwd, env })
        if (exitCode !== 0) throw new Error(`go ${args.join(' ')}\n${stderr.trim().split('\n').slice(-20).join('\n')}`)
        return stdout
      }
      progress(`fetching ${module}`)
      try {
        const { Dir } = JSON.parse(await go('mod', 'download', '-json', module)) as { Dir: string }
        const [path, wanted] = module.split('@')
        const lines = [`module ${name}`, 'go 1.26.0', `require ${path} ${wanted}`]
        await writeFile(
          join(cwd, 'go.mod'),
          [...lines, ...replaced(await readFile(join(Dir, 'go.mod'), 'utf8')), ''].join('\n'),
        )
        // Names every package that is needed, and fetches it: what fails here is the network, what fails below is the build.
        await go('list', '-deps', ...Object.values(packages))
      } catch (error) {
        throw new ToolUnavailable(`${module} could not be fetched: ${(error as Error).message}`)
      }
      for (const [program, from] of Object.entries(packages)) {
        progress(`building ${program}`)
        await go('build', '-ldflags', `-s -w ${stamp}`, '-o', join(partial, program), from)
      }
      await rm(cwd, { recursive: true })
    }
  })
  progress(`in ${folder}`)
}
