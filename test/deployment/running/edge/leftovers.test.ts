// A test process that dies takes everything along that it had started: containers, namespaces, mounts, cgroups, files.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { missingForCluster } from '../requirements.ts'
import { cgroupRoot } from './leftovers.ts'

const index = fileURLToPath(new URL('../index.ts', import.meta.url))

/** Starts a cluster with one pod, says where it is and what runs, and waits for its end. */
const child = `
import { clientPod, startCluster } from ${JSON.stringify(index)}
const cluster = await startCluster({ namespace: 'home' })
await cluster.apply([clientPod('pod', 'home', { image: 'node:24' })])
await cluster.waitReady(['pod'])
console.log(JSON.stringify({ folder: cluster.folder, pid: cluster.pod('pod').containers[0].pid }))
setInterval(() => {}, 1000)
`

describe.skipIf(missingForCluster() !== null)('what a cluster leaves behind', () => {
  test('a cluster whose process was killed leaves no folder, process, namespace, mount or cgroup', async () => {
    const dying = spawn(process.execPath, ['--conditions=source', '--input-type=module-typescript', '-e', child], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const said = await new Promise<string>((resolve, reject) => {
      dying.stdout.once('data', (chunk) => resolve(String(chunk)))
      dying.once('exit', (code) => reject(new Error(`It ended unexpectedly with ${code}`)))
    })
    const { folder, pid } = JSON.parse(said) as { folder: string; pid: number }
    const name = basename(folder)
    const traces = async () => ({
      folder: existsSync(folder),
      process: existsSync(`/proc/${pid}`),
      namespaces: (await readdir('/run/netns')).filter((one) => one.startsWith(name)).length > 0,
      mounts: (await readFile('/proc/self/mountinfo', 'utf8')).includes(folder),
      cgroups: (await readdir(cgroupRoot)).filter((one) => existsSync(join(cgroupRoot, one, name))).length > 0,
    })
    expect(await traces()).toMatchObject({ folder: true, process: true, namespaces: true, cgroups: true })

    dying.removeAllListeners('exit')
    dying.kill('SIGKILL')
    while (Object.values(await traces()).some(Boolean)) await delay(100)
    expect(await traces()).toEqual({ folder: false, process: false, namespaces: false, mounts: false, cgroups: false })
  }, 60_000)
})
