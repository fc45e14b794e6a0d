// The few kinds that are read and written here, as the API has them (Kubernetes API reference, v1).

export interface Metadata {
  readonly name: string
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly resourceVersion?: string
  readonly uid?: string
  readonly creationTimestamp?: string
}

export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Metadata
}

export interface ConfigMap extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>
}

/** `data` is base64. */
export interface Secret extends KubernetesObject {
  readonly type?: string
  readonly data?: Readonly<Record<string, string>>
}

export interface Node extends KubernetesObject {
  readonly status?: {
    readonly addresses?: readonly { readonly type: string; readonly address: string }[]
  }
}

export interface Service extends KubernetesObject {
  readonly spec?: {
    readonly type?: string
    readonly ports?: readonly { readonly name?: string; readonly port: number; readonly nodePort?: number }[]
  }
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[] }
  }
}

export interface Kinds {
  readonly Secret: Secret
  readonly ConfigMap: ConfigMap
  readonly Node: Node
  readonly Service: Service
}

/** How each kind is called in paths and rules. */
export const resources = {
  Secret: { plural: 'secrets', namespaced: true },
  ConfigMap: { plural: 'configmaps', namespaced: true },
  Node: { plural: 'nodes', namespaced: false },
  Service: { plural: 'services', namespaced: true },
} as const satisfies Record<keyof Kinds, { plural: string; namespaced: boolean }>

/** The body of every refusal. */
export interface Status {
  readonly kind: 'Status'
  readonly status: 'Failure' | 'Success'
  readonly message?: string
  readonly reason?: string
  readonly code?: number
}
