// A Kubernetes control plane on loopback: etcd, API server and controllers, no node. Objects are accepted or refused and pods are
// made and admitted as in any cluster; none of them runs.
import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { run } from '@selfmonitor/apache'
import { freePorts } from '../../support/ports.ts'
import type { KubernetesBinaries } from './binaries.ts'

export interface ControlPlane {
  readonly port: number
  /** For kubectl and Helm: the user of the group system:masters. */
  readonly kubeconfig: string
  /** kubectl as that user. @throws Error with what it printed, unless it ends with 0. */
  kubectl(args: readonly string[], stdin?: string): Promise<string>
  /** A folder as a pod of this ServiceAccount mounts it: token, ca.crt, namespace. */
  serviceAccount(namespace: string, name: string): Promise<string>
  /** Waits, at most a minute, until `condition` gives something. */
  waitFor<T>(what: string, condition: () => Promise<T>): Promise<NonNullable<T>>
  stop(): Promise<void>
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

export async function startControlPlane(binaries: KubernetesBinaries): Promise<ControlPlane> {
  const folder = await mkdtemp(join(tmpdir(), 'selfmonitor-kubernetes-'))
  const file = (name: string) => join(folder, name)
  const processes: { readonly name: string; readonly child: ChildProcess }[] = []
  const start = (name: 'etcd' | 'kube-apiserver' | 'kube-controller-manager', args: readonly string[]) => {
    const log = openSync(file(`${name}.log`), 'w')
    const child = spawn(binaries[name], args, { cwd: folder, stdio: ['ignore', log, log] })
    closeSync(log)
    processes.push({ name, child })
    process.once('exit', () => child.kill('SIGKILL'))
  }
  const stop = async () => {
    for (const { child } of processes.reverse()) {
      if (hasEnded(child)) continue
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await ended
    }
    await rm(folder, { recursive: true, force: true })
  }
  async function waitFor<T>(what: string, condition: () => Promise<T>): Promise<NonNullable<T>> {
    for (const deadline = Date.now() + 60_000; ; await delay(200)) {
      const value = await condition()
      if (value) return value as NonNullable<T>
      const dead = processes.find(({ child }) => hasEnded(child))
      if (dead || Date.now() > deadline) {
        const said = dead ? await readFile(file(`${dead.name}.log`), 'utf8') : ''
        throw new Error(`${dead ? `${dead.name} has ended` : 'Not within a minute'}: ${what}\n${said.slice(-2000)}`)
      }
    }
  }

  try {
    const [store, peers, port, controllers] = (await freePorts(4)) as [number, number, number, number]
    const token = randomBytes(16).toString('hex')
    await writeFile(file('tokens.csv'), `${token},admin,admin,"system:masters"\n`, { mode: 0o600 })
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    await writeFile(file('service-accounts.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 })
    const client = `http://127.0.0.1:${store}`
    const peer = `http://127.0.0.1:${peers}`
    start('etcd', [
      ...['--data-dir', file('etcd'), '--unsafe-no-fsync', '--log-level=error'],
      ...[`--listen-client-urls=${client}`, `--advertise-client-urls=${client}`],
      ...[`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`, `--initial-cluster=default=${peer}`],
    ])
    start('kube-apiserver', [
      ...[`--etcd-servers=${client}`, '--bind-address=127.0.0.1', `--secure-port=${port}`],
      ...[`--cert-dir=${file('certificates')}`, `--token-auth-file=${file('tokens.csv')}`],
      ...['--authorization-mode=Node,RBAC', '--service-cluster-ip-range=10.96.0.0/16'],
      ...['--service-account-issuer=https://kubernetes.default.svc'],
      ...[`--service-account-key-file=${file('service-accounts.key')}`],
      ...[`--service-account-signing-key-file=${file('service-accounts.key')}`],
    ])
    const authority = file('certificates/apiserver.crt')
    const kubeconfig = file('kubeconfig')
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name: 'test', cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority': authority } },
      ],
      users: [{ name: 'admin', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
      'current-context': 'test',
    }
    await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 })
    const env = { PATH: process.env.PATH, HOME: folder, KUBECONFIG: kubeconfig }
    await waitFor('the API server is ready', async () => {
      const ready = await run(binaries.kubectl, ['get', '--raw', '/readyz'], { env, timeoutMs: 10_000 })
      return ready.stdout === 'ok'
    })
    start('kube-controller-manager', [
      ...[`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--use-service-account-credentials'],
      ...[`--authentication-kubeconfig=${kubeconfig}`, `--authorization-kubeconfig=${kubeconfig}`],
      ...[`--service-account-private-key-file=${file('service-accounts.key')}`, `--root-ca-file=${authority}`],
      ...['--bind-address=127.0.0.1', `--secure-port=${controllers}`, `--cert-dir=${file('certificates')}`],
    ])

    const kubectl = async (args: readonly string[], stdin?: string) => {
      const { exitCode, stdout, stderr } = await run(binaries.kubectl, args, { env, stdin, timeoutMs: 60_000 })
      if (exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}\n${stdout}${stderr}`)
      return stdout
    }
    return {
      port,
      kubeconfig,
      kubectl,
      waitFor,
      stop,
      async serviceAccount(namespace, name) {
        const mounted = file(`mounted-${namespace}-${name}`)
        await mkdir(mounted, { recursive: true })
        await writeFile(join(mounted, 'token'), await kubectl(['-n', namespace, 'create', 'token', name]))
        await writeFile(join(mounted, 'ca.crt'), await readFile(authority))
        await writeFile(join(mounted, 'namespace'), namespace)
        return mounted
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}
