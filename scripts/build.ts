// `npm run build`: compiles every package into its dist folder, in the order in which they depend on each other.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** The workspace's packages, those that others need first. @throws Error when packages need each other. */
function packagesInOrder(): { dir: string; manifest: Manifest }[] {
  const all = new Map<string, { dir: string; manifest: Manifest }>()
  for (const entry of readdirSync(join(root, 'packages'))) {
    const dir = join(root, 'packages', entry)
    const manifest = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as Manifest
    all.set(manifest.name, { dir, manifest })
  }
  const ordered = new Set<string>()
  const visit = (name: string, path: readonly string[]) => {
    const found = all.get(name)
    if (!found || ordered.has(name)) return
    if (path.includes(name)) throw new Error(`circular dependency between packages: ${[...path, name].join(' → ')}`)
    const { dependencies, peerDependencies } = found.manifest
    for (const dependency of Object.keys({ ...dependencies, ...peerDependencies })) visit(dependency, [...path, name])
    ordered.add(name)
  }
  for (const name of all.keys()) visit(name, [])
  return [...ordered].map((name) => all.get(name)!)
}

const temporary = mkdtempSync(join(root, 'node_modules', '.build-'))
try {
  for (const { dir, manifest } of packagesInOrder()) {
    const started = Date.now()
    rmSync(join(dir, 'dist'), { recursive: true, force: true })
    const config = join(temporary, 'tsconfig.json')
    writeFileSync(
      config,
      JSON.stringify({
        extends: join(root, 'tsconfig.build.json'),
        compilerOptions: {
          rootDir: join(dir, 'src'),
          outDir: join(dir, 'dist'),
          typeRoots: [join(root, 'node_modules/@types')],
        },
        include: [join(dir, 'src')],
        exclude: [join(dir, 'src/**/*.test.ts'), join(dir, 'src/**/test-support')],
      }),
    )
    const tsc = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--project', config], {
      stdio: 'inherit',
    })
    if (tsc.status !== 0) process.exit(1)
    console.log(
      `${manifest.name.padEnd(24)} ${relative(root, join(dir, 'dist')).padEnd(24)} ${String(Date.now() - started).padStart(6)} ms`,
    )
  }
} finally {
  rmSync(temporary, { recursive: true, force: true })
}
