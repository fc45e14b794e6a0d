// The interface of the running cluster for tests: Kubernetes objects, pods that really run, and queries about them.

/** A Kubernetes object as `helm template` renders it. The controller of its kind reads its spec. */
export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
  // biome-ignore lint/suspicious/noExplicitAny: the harness checks specs field by field and refuses what it does not know
  readonly [field: string]: any
}

export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly uid?: string
  readonly resourceVersion?: string
  readonly ownerReferences?: readonly unknown[]
  readonly [field: string]: unknown
}

export interface ClusterOptions {
  /** The namespace the chart is installed into, and the default of every method below. Default `kafka`. */
  namespace?: string
  /** Further namespaces with their labels; each also gets `kubernetes.io/metadata.name`. */
  namespaces?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** The nodes that the API serves, by name, with their labels; pods are spread over them in turn. Default one, `node-0`. */
  nodes?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Domain of the cluster's names. Default `cluster.local`. */
  clusterDomain?: string
  /** Told of every long step, one line each. Default: none. */
  onProgress?: (line: string) => void
  /**
   * Pods of StatefulSets that may start at a time, the others wait as if nothing were free on any node: six Java servers that
   * start at once on two processors only keep each other from it. Default 3.
   */
  startsAtOnce?: number
  /** Layouts of more image names on this machine, in addition to those in images/; the first match counts. */
  images?: readonly ImageLayout[]
}

/** The file system of containers of this image, made from files of this machine. */
export interface ImageLayout {
  /** Whether this layout plays the image `repository:tag[@digest]`. */
  readonly matches: (image: string) => boolean
  /** Prepares files once a cluster; throws with the remedy when something cannot be had. */
  readonly prepare: (folder: string) => Promise<ImageContent>
}

export interface ImageContent {
  /** Host folders and files shown read-only inside, by their path inside. */
  readonly mounts: Readonly<Record<string, string>>
  /** The image's own environment; the pod's comes on top. */
  readonly env: Readonly<Record<string, string>>
  /** The default command; without one the harness rejects containers without `command`. */
  readonly entrypoint?: readonly string[]
}

export interface ExecOptions {
  namespace?: string
  /** Default: the pod's first container. */
  container?: string
  stdin?: string
  /** Added to the container's environment. */
  env?: Readonly<Record<string, string>>
  /** Milliseconds after which the process inside is killed and the call fails. Default 60,000. */
  timeoutMs?: number
}

/** The result of a process in a container; a non-zero exit code is not an exception. */
export interface ExecResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface ContainerView {
  readonly name: string
  readonly state: 'waiting' | 'running' | 'terminated'
  readonly ready: boolean
  readonly restarts: number
  /** Of the last end; 128 + signal, as a shell counts. */
  readonly exitCode?: number
  /** Process id on this machine while it runs. */
  readonly pid?: number
}

export interface PodView {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly ip: string
  readonly node: string
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed'
  /** Why it waits: a Secret that is not there yet, a failing container. */
  readonly reason?: string
  readonly ready: boolean
  readonly terminating: boolean
  readonly labels: Readonly<Record<string, string>>
  readonly initContainers: readonly ContainerView[]
  readonly containers: readonly ContainerView[]
}

export interface WaitOptions {
  /** Default 120,000. */
  timeoutMs?: number
  namespace?: string
}

/** A cluster whose pods run on this machine. Every wait fails with what was missing and the last lines of the pods' logs. */
export interface Cluster {
  /** Folder with everything of this run: logs, volumes, bundles. Gone after `stop()`. */
  readonly folder: string
  readonly namespace: string

  /** Like `kubectl apply`: creates or replaces, in order. Helm hooks among the objects are refused: see `installRelease`. */
  apply(objects: readonly KubeObject[]): Promise<void>
  /** Its pods go along; a claim, and its data, once no pod uses it any more, as in Kubernetes. */
  delete(kind: string, name: string, namespace?: string): Promise<void>
  get(kind: string, name: string, namespace?: string): KubeObject | undefined
  list(kind: string, namespace?: string): readonly KubeObject[]

  /** What Helm does with rendered objects: everything but hooks first, then the hooks of `event`, each Job to its end. */
  installRelease(objects: readonly KubeObject[], event: 'install' | 'upgrade'): Promise<void>
  /** `helm test`: runs the pods with that hook. @returns each pod's exit code and log. */
  helmTest(objects: readonly KubeObject[]): Promise<readonly { name: string; exitCode: number; log: string }[]>

  scale(kind: 'StatefulSet' | 'Deployment', name: string, replicas: number, namespace?: string): Promise<void>
  /** `kubectl create job --from=cronjob/…`: the harness does not run CronJobs by the clock. @returns the Job's log. */
  runCronJob(name: string, options?: WaitOptions): Promise<{ exitCode: number; log: string }>
  /** Waits for a Job's end, whichever. */
  waitForJob(name: string, options?: WaitOptions): Promise<{ succeeded: boolean; log: string }>
  /** Runs a pod of your own to its end and removes it. */
  runPod(pod: KubeObject, options?: WaitOptions): Promise<{ exitCode: number; log: string }>

  pods(namespace?: string): readonly PodView[]
  pod(name: string, namespace?: string): PodView | undefined
  /** Waits until every named pod is ready; without names, every pod that is not of a Job. */
  waitReady(names?: readonly string[], options?: WaitOptions): Promise<void>
  /** Waits for any condition, looked at several times a second. */
  waitFor<T>(what: string, condition: () => T | Promise<T>, options?: WaitOptions): Promise<NonNullable<T>>

  /** `kubectl exec`: a string runs in the container's `/bin/sh -c`, as its user and with its environment. */
  exec(pod: string, command: string | readonly string[], options?: ExecOptions): Promise<ExecResult>
  /** The log of a container, standard output and error together. `previous` is the run before the last restart. */
  logs(pod: string, options?: { container?: string; namespace?: string; previous?: boolean }): string
  /** Signals a container's first process, as if it crashed; the pod's restart policy then applies. */
  kill(pod: string, signal: 'SIGKILL' | 'SIGTERM', options?: { container?: string; namespace?: string }): Promise<void>
  /** `kubectl delete pod`: preStop hook, SIGTERM, grace period, SIGKILL; its controller makes a new one. */
  deletePod(pod: string, options?: { namespace?: string; gracePeriodSeconds?: number }): Promise<void>
  /** Folder on this machine that holds a claim's data. */
  volumeFolder(claim: string, namespace?: string): string

  /** Ends every pod and removes every trace. Idempotent. */
  stop(): Promise<void>
}
