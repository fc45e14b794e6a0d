// The harness by a small fixture of its own: what Kubernetes promises a pod, seen from inside pods that really run.
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Cluster, type KubeObject, missingForCluster, startCluster } from './index.ts'

const missing = missingForCluster()

const securityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
}
const podSecurity = { runAsUser: 1000, runAsGroup: 1000, runAsNonRoot: true, fsGroup: 1000 }

/** Answers every request with its pod's name, and appends what is posted to a file on its claim. */
const serverScript = `
const { createServer } = require('node:http')
const { appendFileSync, readFileSync } = require('node:fs')
createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  if (body) appendFileSync('/data/log', body + '\\n')
  response.end(process.env.POD_NAME + ' ' + process.env.GREETING)
}).listen(8080)
process.on('SIGTERM', () => { appendFileSync('/data/log', 'stopped by SIGTERM\\n'); process.exit(0) })
`

function statefulSet(replicas: number): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'server' },
    spec: {
      replicas,
      serviceName: 'server-headless',
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: { app: 'server' } },
      template: {
        metadata: { labels: { app: 'server' } },
        spec: {
          enableServiceLinks: false,
          automountServiceAccountToken: false,
          securityContext: podSecurity,
          terminationGracePeriodSeconds: 10,
          initContainers: [
            {
              ...{ name: 'first', image: 'node:24', securityContext },
              command: ['sh', '-c', 'echo first > /work/order; id > /work/id'],
              volumeMounts: [{ name: 'work', mountPath: '/work' }],
            },
            {
              ...{ name: 'second', image: 'node:24', securityContext },
              command: ['sh', '-c', 'echo second >> /work/order'],
              volumeMounts: [{ name: 'work', mountPath: '/work' }],
            },
          ],
          containers: [
            {
              ...{ name: 'server', image: 'node:24', securityContext },
              command: ['node', '/scripts/server.js'],
              env: [
                { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
                { name: 'GREETING', valueFrom: { secretKeyRef: { name: 'greeting', key: 'word' } } },
              ],
              ports: [{ name: 'http', containerPort: 8080 }],
              resources: { limits: { memory: '128Mi', cpu: '1' } },
              readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 1 },
              lifecycle: { preStop: { exec: { command: ['sh', '-c', 'echo preStop >> /data/log'] } } },
              volumeMounts: [
                { name: 'data', mountPath: '/data' },
                { name: 'work', mountPath: '/work' },
                { name: 'scripts', mountPath: '/scripts' },
                { name: 'secret', mountPath: '/etc/selfmonitor/secret', readOnly: true },
              ],
            },
          ],
          volumes: [
            { name: 'work', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
            { name: 'scripts', configMap: { name: 'scripts', defaultMode: 0o555 } },
            { name: 'secret', secret: { secretName: 'greeting', defaultMode: 0o400 } },
          ],
        },
      },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }],
    },
  }
}

const service = (name: string, spec: object): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector: { app: 'server' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }], ...spec },
})

const secret = (word: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'greeting' },
  data: { word: Buffer.from(word).toString('base64') },
})

const client = (name: string, namespace: string): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        enableServiceLinks: false,
        securityContext: podSecurity,
        terminationGracePeriodSeconds: 1,
        containers: [{ name: 'shell', image: 'node:24', securityContext, command: ['sleep', 'infinity'] }],
      },
    },
  },
})

describe.skipIf(missing !== null)('a cluster whose pods run on this machine', () => {
  let cluster: Cluster

  const clientPod = (namespace: string) => cluster.pods(namespace).find((pod) => pod.labels.app === 'client')!.name
  const curl = (namespace: string, url: string, ...args: string[]) =>
    cluster.exec(clientPod(namespace), ['curl', '-sS', '--max-time', '3', ...args, url], { namespace })

  beforeAll(async () => {
    cluster = await startCluster({
      namespace: 'home',
      namespaces: { friends: { trusted: 'yes' }, strangers: {} },
      onProgress: (line) => console.log(line),
    })
    await cluster.apply([
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'scripts' }, data: { 'server.js': serverScript } },
      service('server-headless', { clusterIP: 'None', publishNotReadyAddresses: true }),
      service('server', {}),
      statefulSet(2),
      client('client', 'friends'),
      client('client', 'strangers'),
    ])
  })
  afterAll(() => cluster?.stop())

  test('a pod waits for a Secret that is not there yet, and starts once it is', async () => {
    await cluster.waitFor('the pod says what it waits for', () =>
      cluster.pod('server-0')?.reason?.includes('Secret greeting is not there'),
    )
    await cluster.apply([secret('hello')])
    await cluster.waitReady(['server-0', 'server-1'])
    await cluster.waitReady(undefined, { namespace: 'friends' })
    await cluster.waitReady(undefined, { namespace: 'strangers' })
  })

  test('init containers run one after the other, as the user of the pod, without capabilities, on a read-only root', async () => {
    const { stdout } = await cluster.exec(
      'server-0',
      'cat /work/order /work/id; grep -E "CapEff|NoNewPrivs" /proc/self/status',
    )
    expect(stdout).toBe(
      'first\nsecond\nuid=1000(appuser) gid=1000(appuser) groups=1000(appuser)\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\n',
    )
    const written = await cluster.exec('server-0', 'touch /somewhere')
    expect(written.stderr).toContain('Read-only file system')
  })

  test('a pod sees itself alone: its own processes, host name and address', async () => {
    const { stdout } = await cluster.exec('server-1', 'hostname; ls /proc | grep -c "^[0-9]"; cat /etc/hosts')
    const [hostname, processes, ...hosts] = stdout.trim().split('\n')
    expect(hostname).toBe('server-1')
    expect(Number(processes)).toBeLessThan(8)
    expect(hosts.at(-1)).toBe(`${cluster.pod('server-1')!.ip} server-1.server-headless.home.svc.cluster.local server-1`)
  })

  test('names of pods and Services resolve, and a Service spreads over its ready pods', async () => {
    expect((await curl('friends', 'http://server-1.server-headless.home:8080/')).stdout).toBe('server-1 hello')
    const answers = new Set<string>()
    await cluster.waitFor('both pods answer', async () => {
      answers.add((await curl('friends', 'http://server.home.svc.cluster.local/')).stdout)
      return answers.size === 2
    })
    expect([...answers].sort()).toEqual(['server-0 hello', 'server-1 hello'])
    expect((await curl('friends', 'http://nowhere.home/')).stderr).toContain('Could not resolve host')
  })

  test('a volume of a Secret follows its change in one step, with the modes it was given', async () => {
    const read = async () => (await cluster.exec('server-0', 'cat /etc/selfmonitor/secret/word')).stdout
    expect(await read()).toBe('hello')
    await cluster.apply([secret('welcome')])
    await cluster.waitFor('the new word', async () => (await read()) === 'welcome')
    const { stdout } = await cluster.exec('server-0', 'stat -L -c "%a %u %g" /etc/selfmonitor/secret/word')
    expect(stdout).toBe('440 0 1000\n')
    expect((await cluster.exec('server-0', 'echo x > /etc/selfmonitor/secret/word')).exitCode).not.toBe(0)
  })

  test('a volume in memory keeps to its limit, and a container to its memory', async () => {
    expect(
      (await cluster.exec('server-0', 'dd if=/dev/zero of=/work/big bs=1k count=2048; rm /work/big')).stderr,
    ).toContain('No space left on device')
    const { stdout } = await cluster.exec('server-0', 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes')
    expect(Number(stdout)).toBe(128 * 2 ** 20)
  })

  test('a killed container starts again in its pod; a deleted pod has its hook run, restarts elsewhere, and finds its claim', async () => {
    const ip = cluster.pod('server-0')!.ip
    await cluster.exec('server-0', 'echo kept >> /data/log')
    await cluster.kill('server-0', 'SIGKILL')
    await cluster.waitFor('a restart', () => cluster.pod('server-0')!.containers[0]!.restarts === 1)
    await cluster.waitReady(['server-0'])
    expect(cluster.pod('server-0')).toMatchObject({ ip, containers: [{ exitCode: 137 }] })
    await cluster.deletePod('server-0')
    await cluster.waitReady(['server-0'])
    expect(cluster.pod('server-0')!.ip).not.toBe(ip)
    expect((await cluster.exec('server-0', 'cat /data/log')).stdout).toBe('kept\npreStop\nstopped by SIGTERM\n')
  })

  test('a policy lets the named namespace in and drops what others send, until they are named too', async () => {
    const policy = (labels: object): KubeObject => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'server' },
      spec: {
        podSelector: { matchLabels: { app: 'server' } },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [{ from: [{ namespaceSelector: labels }], ports: [{ port: 'http' }] }],
        egress: [],
      },
    })
    const url = 'http://server-0.server-headless.home.svc.cluster.local:8080/'
    await cluster.apply([policy({ matchLabels: { trusted: 'yes' } })])
    expect((await curl('friends', url)).stdout).toContain('server-0')
    const dropped = await curl('strangers', url)
    expect(dropped.exitCode).toBe(28)
    expect(dropped.stderr).toContain('timed out')
    await cluster.apply([policy({})])
    expect((await curl('strangers', url)).stdout).toContain('server-0')
    // The node's probes pass, and answers to what came in go out, although nothing may be sent.
    expect(cluster.pod('server-0')!.ready).toBe(true)
    const out = await cluster.exec('server-0', [
      'curl',
      '-sS',
      '--max-time',
      '2',
      'http://server-1.server-headless:8080/',
    ])
    expect(out.exitCode).not.toBe(0)
    await cluster.delete('NetworkPolicy', 'server')
  })

  test('a pod asks the API server with its token, and gets what its role allows', async () => {
    const ask = `T=$(cat /var/run/secrets/kubernetes.io/serviceaccount/token)
      curl -sS --cacert /var/run/secrets/kubernetes.io/serviceaccount/ca.crt -H "Authorization: Bearer $T" \
        https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/api/v1/namespaces/friends/secrets/own`
    const pod = clientPod('friends')
    expect((await cluster.exec(pod, ask, { namespace: 'friends' })).stdout).toContain('"code":403')
    await cluster.apply([
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'own', namespace: 'friends' }, data: { a: 'MQ==' } },
      {
        ...{
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'Role',
          metadata: { name: 'own', namespace: 'friends' },
        },
        rules: [{ apiGroups: [''], resources: ['secrets'], resourceNames: ['own'], verbs: ['get'] }],
      },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: 'own', namespace: 'friends' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'own' },
        subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'friends' }],
      },
    ])
    expect((await cluster.exec(pod, ask, { namespace: 'friends' })).stdout).toContain('"a":"MQ=="')
    // The servers are configured without a token.
    expect((await cluster.exec('server-0', 'ls /var/run/secrets')).exitCode).not.toBe(0)
  })

  test('a StatefulSet grows and shrinks from its end, and a Job runs until it succeeds', async () => {
    await cluster.scale('StatefulSet', 'server', 3)
    await cluster.waitReady(['server-2'])
    await cluster.scale('StatefulSet', 'server', 2)
    await cluster.waitFor('the third is gone', () => !cluster.pod('server-2'))
    await cluster.apply([
      {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name: 'job' },
        spec: {
          backoffLimit: 2,
          template: {
            spec: {
              ...{ enableServiceLinks: false, restartPolicy: 'OnFailure', securityContext: podSecurity },
              containers: [
                {
                  ...{ name: 'job', image: 'node:24', securityContext },
                  command: ['sh', '-c', 'if [ -e /state/once ]; then echo done; else touch /state/once; exit 1; fi'],
                  volumeMounts: [{ name: 'state', mountPath: '/state' }],
                },
              ],
              volumes: [{ name: 'state', emptyDir: {} }],
            },
          },
        },
      },
    ])
    expect(await cluster.waitForJob('job')).toEqual({ succeeded: true, log: 'done\n' })
  })

  test('a field that the harness would have to ignore is refused', async () => {
    const set = statefulSet(1)
    const wrong = { ...set, metadata: { name: 'wrong' }, spec: { ...set.spec, ordinals: { start: 3 } } }
    await expect(cluster.apply([wrong as KubeObject])).rejects.toThrow('StatefulSet home/wrong spec.ordinals')
  })

  test('nothing is left of it after it has been stopped', async () => {
    await cluster.stop()
    const mounts = await readFile('/proc/self/mountinfo', 'utf8')
    expect(mounts).not.toContain(cluster.folder)
    await expect(readFile(cluster.folder)).rejects.toThrow('ENOENT')
  })
})
