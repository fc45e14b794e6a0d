// Whatever an object names exists: Secrets, ConfigMaps and their keys, claims, accounts, roles, volumes, scripts.
import { containersOf, type Json, type KubernetesObject, nameOf, ofKind, podPerOwner, podTemplate } from '../objects.ts'
import type { Rule, RuleContext } from './rule.ts'

/** Keys of an object, or null when they cannot be known before it is there. */
type Keys = readonly string[] | null

const tlsKeys = ['tls.crt', 'tls.key', 'ca.crt']

/**
 * Every Secret and ConfigMap that exists once the objects are applied and the credentials Job has run, with its keys:
 * the rendered ones, those in the Job's specification (ConfigMap `kafka-credentials-spec`), those that cert-manager
 * makes of Certificates, and those that the user supplies.
 */
export function existingData(objects: readonly KubernetesObject[], context: RuleContext): ReadonlyMap<string, Keys> {
  const known = new Map<string, Keys>()
  for (const object of [...ofKind(objects, 'ConfigMap'), ...ofKind(objects, 'Secret')])
    known.set(nameOf(object), Object.keys({ ...object.data, ...object.binaryData, ...object.stringData }))
  for (const object of ofKind(objects, 'Certificate')) known.set(`Secret ${object.spec.secretName}`, tlsKeys)
  // Kubernetes puts it into every namespace.
  known.set('ConfigMap kube-root-ca.crt', ['ca.crt'])
  for (const name of context.supplied) known.set(name, null)
  for (const spec of credentialsSpecs(objects)) {
    if (spec.tls?.caSecret) known.set(`Secret ${spec.tls.caSecret}`, ['ca.crt', 'ca.key'])
    if (spec.tls?.caConfigMap) known.set(`ConfigMap ${spec.tls.caConfigMap}`, ['ca.crt'])
    for (const { secret } of spec.tls?.mode === 'chart' ? spec.tls.certificates : [])
      known.set(`Secret ${secret}`, tlsKeys)
    const ordinals = Array.from({ length: spec.identity?.controllers ?? 0 }, (_, n) => `controller-${n}.directory-id`)
    if (spec.identity) known.set(`ConfigMap ${spec.identity.configMap}`, ['cluster-id', 'formed', ...ordinals])
    for (const { secret } of spec.accounts ?? [])
      known.set(`Secret ${secret}`, ['username', 'password', 'client.properties', 'ca.crt'])
    for (const { secret } of spec.logins ?? []) known.set(`Secret ${secret}`, ['username', 'password', 'user-info'])
  }
  return known
}

/** The parsed specification of the credentials Job; more than one would be two Jobs that fight. */
export function credentialsSpecs(objects: readonly KubernetesObject[]): readonly Json[] {
  return ofKind(objects, 'ConfigMap')
    .filter((object) => object.metadata.name.startsWith('kafka-credentials-spec'))
    .map((object) => JSON.parse(object.data['spec.json']))
}

interface Reference {
  readonly where: string
  readonly target: string
  readonly keys: readonly string[]
  readonly optional: boolean
}

function dataReferences(pod: Json): Reference[] {
  const references: Reference[] = []
  const add = (where: string, kind: string, source: Json, name: string | undefined, keys: readonly string[]) => {
    if (source) references.push({ where, target: `${kind} ${name}`, keys, optional: source.optional === true })
  }
  const itemKeys = (source: Json) => (source?.items ?? []).map((item: Json) => item.key)
  for (const volume of pod.volumes ?? []) {
    const where = `volume ${volume.name}`
    add(where, 'ConfigMap', volume.configMap, volume.configMap?.name, itemKeys(volume.configMap))
    add(where, 'Secret', volume.secret, volume.secret?.secretName, itemKeys(volume.secret))
    for (const source of volume.projected?.sources ?? []) {
      add(where, 'ConfigMap', source.configMap, source.configMap?.name, itemKeys(source.configMap))
      add(where, 'Secret', source.secret, source.secret?.name, itemKeys(source.secret))
    }
  }
  for (const { spec } of containersOf(pod)) {
    const where = `container ${spec.name}`
    for (const { configMapRef, secretRef } of spec.envFrom ?? []) {
      add(where, 'ConfigMap', configMapRef, configMapRef?.name, [])
      add(where, 'Secret', secretRef, secretRef?.name, [])
    }
    for (const { valueFrom } of spec.env ?? []) {
      const { configMapKeyRef, secretKeyRef } = valueFrom ?? {}
      add(where, 'ConfigMap', configMapKeyRef, configMapKeyRef?.name, [configMapKeyRef?.key])
      add(where, 'Secret', secretKeyRef, secretKeyRef?.name, [secretKeyRef?.key])
    }
  }
  for (const { name } of pod.imagePullSecrets ?? []) add('imagePullSecrets', 'Secret', {}, name, [])
  return references
}

/** Every Secret and ConfigMap that a pod reads is there or will be, with the keys that it takes from it. */
export const referencedDataExists: Rule = (objects, context) => {
  const known = existingData(objects, context)
  // The user supplies these to a Job that checks whether they exist, so `optional` is correct.
  return podPerOwner(objects).flatMap((pod) =>
    dataReferences(pod.spec).flatMap(({ where, target, keys, optional }) => {
      const present = known.get(target)
      if (present === undefined)
        return optional ? [] : [`${nameOf(pod.owner)}, ${where}: there is no ${target}, and nothing makes it`]
      return keys
        .filter((key) => present !== null && !present.includes(key))
        .map((key) => `${nameOf(pod.owner)}, ${where}: ${target} has no key ${key}`)
    }),
  )
}

/** Volumes that are mounted are declared, those declared are mounted, and no two mounts of a container share a path. */
export const volumesMatch: Rule = (objects, { supplied }) =>
  podPerOwner(objects).flatMap((pod) => {
    const claims = (pod.owner.spec.volumeClaimTemplates ?? []).map((claim: Json) => claim.metadata.name)
    const declared: string[] = [...claims, ...(pod.spec.volumes ?? []).map((volume: Json) => volume.name)]
    const mounted = new Set<string>()
    const problems: string[] = []
    for (const { spec } of containersOf(pod.spec)) {
      const paths = new Set<string>()
      for (const mount of spec.volumeMounts ?? []) {
        mounted.add(mount.name)
        const where = `${nameOf(pod.owner)}, container ${spec.name}`
        if (!declared.includes(mount.name))
          problems.push(`${where}: mounts volume ${mount.name}, which the pod has not`)
        if (paths.has(mount.mountPath)) problems.push(`${where}: mounts two volumes at ${mount.mountPath}`)
        paths.add(mount.mountPath)
      }
    }
    for (const name of declared) {
      if (!mounted.has(name)) problems.push(`${nameOf(pod.owner)}: no container mounts volume ${name}`)
      if (declared.filter((other) => other === name).length > 1)
        problems.push(`${nameOf(pod.owner)}: volume ${name} is declared twice`)
    }
    const pvcs = new Set(ofKind(objects, 'PersistentVolumeClaim').map((claim) => claim.metadata.name))
    for (const { persistentVolumeClaim: claim } of pod.spec.volumes ?? [])
      if (claim && !pvcs.has(claim.claimName) && !supplied.includes(`PersistentVolumeClaim ${claim.claimName}`))
        problems.push(`${nameOf(pod.owner)}: there is no PersistentVolumeClaim ${claim.claimName}`)
    return [...new Set(problems)]
  })

/** A script or file under the path of a mounted ConfigMap, when a command names it, is one of that ConfigMap's. */
export const commandsExist: Rule = (objects) => {
  const configMaps = new Map(ofKind(objects, 'ConfigMap').map((map) => [map.metadata.name, map]))
  return podPerOwner(objects).flatMap((pod) =>
    containersOf(pod.spec).flatMap(({ spec }) => {
      const words = [
        ...(spec.command ?? []),
        ...(spec.args ?? []),
        ...['startupProbe', 'readinessProbe', 'livenessProbe'].flatMap((probe) => spec[probe]?.exec?.command ?? []),
        ...['postStart', 'preStop'].flatMap((hook) => spec.lifecycle?.[hook]?.exec?.command ?? []),
      ].join(' ')
      return (spec.volumeMounts ?? []).flatMap((mount: Json) => {
        const volume = (pod.spec.volumes ?? []).find((one: Json) => one.name === mount.name)
        const map = volume?.configMap && configMaps.get(volume.configMap.name)
        if (!map || mount.subPath) return []
        const files: string[] =
          volume.configMap.items?.map((item: Json) => item.path) ?? Object.keys({ ...map.data, ...map.binaryData })
        const named = [...words.matchAll(new RegExp(`${literally(mount.mountPath)}/([\\w./-]+)`, 'g'))].map(
          (match) => match[1]!,
        )
        return named
          .filter((file) => !files.some((one) => one === file || one.startsWith(`${file}/`)))
          .map((file) => `${nameOf(pod.owner)}, container ${spec.name}: there is no ${mount.mountPath}/${file}`)
      })
    }),
  )
}

const literally = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Every service account, role and binding that is named is there. */
export const accountsExist: Rule = (objects) => {
  const names = new Set(objects.map(nameOf))
  const ownNamespace = objects.find((object) => object.metadata.namespace)?.metadata.namespace
  const missing = (object: KubernetesObject, kind: string, name: string | undefined) =>
    name && !names.has(`${kind} ${name}`) ? [`${nameOf(object)}: there is no ${kind} ${name}`] : []
  return [
    ...objects.flatMap((object) => {
      const account = podTemplate(object)?.spec.serviceAccountName
      return account === 'default' ? [] : missing(object, 'ServiceAccount', account)
    }),
    ...[...ofKind(objects, 'RoleBinding'), ...ofKind(objects, 'ClusterRoleBinding')].flatMap((binding) => [
      ...missing(binding, binding.roleRef.kind, binding.roleRef.name),
      ...(binding.subjects ?? []).flatMap((subject: Json) =>
        // An account of another namespace is that namespace's own.
        subject.kind === 'ServiceAccount' && subject.namespace === ownNamespace
          ? missing(binding, 'ServiceAccount', subject.name)
          : [],
      ),
    ]),
  ]
}

/** Rights in the Kubernetes API are named one by one, and those on Secrets are for Secrets of given names. */
export const rightsAreNarrow: Rule = (objects) =>
  [...ofKind(objects, 'Role'), ...ofKind(objects, 'ClusterRole')].flatMap((role) =>
    (role.rules ?? []).flatMap((rule: Json) => {
      const problems: string[] = []
      for (const field of ['apiGroups', 'resources', 'verbs'])
        if (rule[field]?.includes('*')) problems.push(`${nameOf(role)}: ${field} has *`)
      // `create` cannot be restricted by name: the name is in the body.
      const named = (rule.resourceNames ?? []).length > 0
      for (const verb of rule.resources?.includes('secrets') ? rule.verbs : [])
        if (verb === 'deletecollection' || (verb !== 'create' && !named))
          problems.push(`${nameOf(role)}: may ${verb} secrets of any name`)
      return problems
    }),
  )
