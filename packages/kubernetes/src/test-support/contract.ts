// What the tests of the credentials share: the chart's spec in small, and exactly the rights that the chart gives its Job.
import type { KubernetesObject } from '../api/types.ts'
import type { CredentialsSpec } from '../credentials/spec.ts'
import type { Rule } from './rbac.ts'

export const namespace = 'kafka'
const hour = 3_600_000

/** Two certificates, two accounts, three controllers. */
export function exampleSpec(changes: Partial<CredentialsSpec> = {}): CredentialsSpec {
  return {
    namespace,
    clusterDomain: 'cluster.local',
    security: true,
    tls: {
      mode: 'chart',
      caSecret: 'kafka-ca',
      caConfigMap: 'kafka-ca-bundle',
      validityMs: 8760 * hour,
      caValidityMs: 87_600 * hour,
      renewBeforeMs: 720 * hour,
      certificates: [
        {
          secret: 'kafka-broker-tls',
          commonName: 'kafka-broker',
          dnsNames: ['*.kafka-headless.kafka.svc.cluster.local', 'kafka-service.kafka.svc', 'localhost'],
          ipAddresses: ['127.0.0.1'],
        },
        {
          secret: 'kafka-controller-tls',
          commonName: 'kafka-controller',
          dnsNames: ['*.kafka-controller-headless.kafka.svc.cluster.local', 'localhost'],
          ipAddresses: ['127.0.0.1'],
        },
      ],
    },
    identity: { configMap: 'kafka-identity', controllers: 3 },
    accounts: [
      { name: 'kafka-broker', secret: 'kafka-user-kafka-broker' },
      { name: 'admin', secret: 'kafka-user-admin' },
    ],
    logins: [],
    bootstrapServers: 'kafka-service.kafka.svc.cluster.local:9092',
    labels: { 'app.kubernetes.io/name': 'selfmonitor-kafka', 'app.kubernetes.io/component': 'credentials' },
    ...changes,
  }
}

/** The rules of the chart's Role for the credentials Job: create any, get and patch the named ones. */
export function credentialsRules({ tls, identity, accounts, logins }: CredentialsSpec): Rule[] {
  const secrets = [tls.caSecret, ...[...tls.certificates, ...accounts, ...logins].map(({ secret }) => secret)]
  return [
    { apiGroups: [''], resources: ['secrets', 'configmaps'], verbs: ['create'] },
    { apiGroups: [''], resources: ['secrets'], resourceNames: secrets, verbs: ['get', 'patch'] },
    {
      apiGroups: [''],
      resources: ['configmaps'],
      resourceNames: [tls.caConfigMap, identity.configMap],
      verbs: ['get', 'patch'],
    },
  ]
}

/** A Role with these rules, bound to a ServiceAccount of the same name. */
export function role(name: string, rules: readonly Rule[]): KubernetesObject[] {
  return bound('Role', 'RoleBinding', name, rules)
}

/** The same for objects that have no namespace. */
export function clusterRole(name: string, rules: readonly Rule[]): KubernetesObject[] {
  return bound('ClusterRole', 'ClusterRoleBinding', name, rules)
}

function bound(kind: string, binding: string, name: string, rules: readonly Rule[]): KubernetesObject[] {
  const apiVersion = 'rbac.authorization.k8s.io/v1'
  const metadata = { name, ...(kind === 'Role' && { namespace }) }
  const roleObject = { apiVersion, kind, metadata, rules }
  const bindingObject = {
    apiVersion,
    kind: binding,
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  }
  return [roleObject, bindingObject]
}
