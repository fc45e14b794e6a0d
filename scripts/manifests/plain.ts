// The plain manifests: the chart rendered for production, in three files for `kubectl apply -f`, one after the other.
import { join } from 'node:path'
import { run } from '@selfmonitor/apache'
import { parseDocument } from 'yaml'
import { fetchHelm } from '../../test/deployment/static/helm.ts'
import { type GeneratedFile, root } from './files.ts'

const namespace = 'kafka'
// The oldest Kubernetes that the chart supports, so that the files fit every one; nothing of a cluster is looked up.
const kubeVersion = '1.25.0'
const values = ['environment=production', 'render.hooks=false', 'test.enabled=false']

const confluentComponents = new Set(['schema-registry', 'kafka-connect', 'ksqldb-server', 'kafka-ui'])
const monitoringComponents = new Set(['exporter', 'prometheus', 'alertmanager', 'grafana'])

const kafkaHead = `# Apache Kafka for production: three brokers, three controllers, TLS, accounts and ACLs, and the SelfMonitor topics.
#
#   kubectl apply -f infra/k8s/kafka/kafka-cluster.yaml
#   kubectl apply -f infra/k8s/kafka/confluent-platform.yaml
#   kubectl apply -f infra/k8s/kafka/kafka-monitoring.yaml
#
# No credential is in here: Job kafka-credentials-… makes them inside the cluster. Pods wait for what they mount, so the order within
# the file does not matter; Job kafka-setup-… waits for the registry of the second file.`

const confluentHead = `# Schema Registry, Connect, ksqlDB and the web UI beside Kafka. After kafka-cluster.yaml, which has their accounts:
#
#   kubectl apply -f infra/k8s/kafka/confluent-platform.yaml`

const monitoringHead = `# The exporter, Prometheus, Alertmanager and Grafana, with rules, routes and dashboards. After kafka-cluster.yaml, which has their accounts:
#
#   kubectl apply -f infra/k8s/kafka/kafka-monitoring.yaml
#
# Alertmanager sends by what your Secret kafka-alertmanager has keys for (docs/monitoring.md). Job kafka-credentials-… makes the password of
# Grafana's user admin, in Secret kafka-grafana-login. With a Prometheus operator, use the chart instead.`

const made = `#
# Made by \`npm run manifests\` from the chart; do not edit. The same by hand:
#
#   helm template kafka-cluster infra/k8s/kafka/helm --namespace ${namespace} --kube-version ${kubeVersion} \\
#     --skip-tests ${values.map((value) => `--set ${value}`).join(' ')}`

// The namespace admits only pods that keep to the Pod Security Standard \`restricted\`; all of these do.
const namespaceObject = `apiVersion: v1
kind: Namespace
metadata:
  name: ${namespace}
  labels:
    app.kubernetes.io/part-of: selfmonitor-streams
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/audit: restricted
    pod-security.kubernetes.io/warn: restricted
`

/** @returns the three manifests. @throws Error with Helm's message when the chart cannot be rendered. */
export async function plainManifests(): Promise<GeneratedFile[]> {
  const documents = split(await render())
  const confluent = documents.filter((document) => confluentComponents.has(componentOf(document)))
  const monitoring = documents.filter((document) => monitoringComponents.has(componentOf(document)))
  const kafka = documents.filter((document) => !confluent.includes(document) && !monitoring.includes(document))
  return [
    { path: 'infra/k8s/kafka/kafka-cluster.yaml', text: assemble([kafkaHead, made], [namespaceObject, ...kafka]) },
    { path: 'infra/k8s/kafka/confluent-platform.yaml', text: assemble([confluentHead, made], confluent) },
    { path: 'infra/k8s/kafka/kafka-monitoring.yaml', text: assemble([monitoringHead, made], monitoring) },
  ]
}

async function render(): Promise<string> {
  const helm = await fetchHelm('4')
  const sets = values.flatMap((value) => ['--set', value])
  const result = await run(
    helm,
    [
      'template',
      'kafka-cluster',
      'infra/k8s/kafka/helm',
      '--namespace',
      namespace,
      '--kube-version',
      kubeVersion,
      '--skip-tests',
      ...sets,
    ],
    { cwd: root, env: { PATH: process.env.PATH, HOME: join(root, 'nonexistent') }, timeoutMs: 60_000 },
  )
  if (result.exitCode !== 0) throw new Error(`the chart cannot be rendered: ${result.stderr.trim()}`)
  return result.stdout
}

/** The documents in Helm's order, in which they can be applied, without the label that says Helm manages them. */
function split(rendered: string): string[] {
  return rendered
    .split(/^---$/m)
    .map((document) => document.trim())
    .filter((document) => document !== '')
    .map(
      (document) =>
        `${document.replaceAll('app.kubernetes.io/managed-by: Helm', 'app.kubernetes.io/managed-by: kubectl')}\n`,
    )
}

function componentOf(document: string): string {
  return parseDocument(document).toJS()?.metadata?.labels?.['app.kubernetes.io/component'] ?? ''
}

function assemble(head: readonly string[], documents: readonly string[]): string {
  return `${head.join('\n')}\n---\n${documents.join('---\n')}`
}
