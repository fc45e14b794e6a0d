// The public types of the local Apache Kafka.

/** The Apache Kafka distribution: its jars, fetched once by Maven into a cache outside the repository. */
export interface KafkaDistribution {
  /** Kafka's version, `4.3.1`. */
  readonly version: string
  /** Folder that holds every jar. */
  readonly libsDir: string
  readonly java: string
}

/** Where one node listens and keeps its files. */
export interface NodeLayout {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly controllerPort: number
  readonly dataDir: string
}

export interface ApacheOptions {
  /** Folder for the brokers' data, one sub-folder a node. Formatted when new, kept otherwise. */
  dataDir: string
  /** 1 (broker and controller in one process) or 3 (three such processes, a quorum of three). Default 1. */
  brokers?: 1 | 3
  /** Default `127.0.0.1`. */
  host?: string
  /** Client port of the first broker; broker n listens on `port + n - 1`. 0 takes free ones. Default 9092. */
  port?: number
  /** Java heap of each node in MiB. Default 256. */
  heapMb?: number
  /** Further arguments of each node's JVM, such as an agent; a function where they depend on the node. */
  jvmArguments?: readonly string[] | ((node: NodeLayout) => readonly string[])
  /**
   * What a node runs, asked for at each of its starts: a cluster in the middle of an upgrade has nodes of two versions. Default: the
   * pinned version.
   */
  distribution?: (node: NodeLayout) => KafkaDistribution
  /** The version of the features that new storage is formatted with, such as `3.9`. Default: the newest of what the node runs. */
  releaseVersion?: string
  /** Extra broker settings, by Kafka's names; a function where they depend on the node, as listeners do on its ports. */
  config?: Readonly<Record<string, string>> | ((node: NodeLayout) => Readonly<Record<string, string>>)
  /** Called with the current step (`downloading`, `formatting`, `starting`, `ready`), for progress lines. */
  onProgress?: (progress: { stage: string; detail?: string }) => void
  /** Ends a start that is under way: what was started is killed, and startApache rejects with INTERRUPTED. */
  signal?: AbortSignal
  /** Called when a running node ends unexpectedly. */
  onExit?: (ended: NodeExit) => void
}

export interface NodeExit {
  readonly nodeId: number
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The output of the process. */
  readonly logFile: string
}

export interface ApacheCluster {
  readonly bootstrapServers: string
  readonly version: string
  readonly nodes: readonly {
    readonly nodeId: number
    readonly host: string
    readonly port: number
    readonly pid: number
  }[]
  /** Ends one node: with SIGTERM by default. Resolves when its process has ended. */
  stopNode(nodeId: number, signal?: NodeJS.Signals): Promise<void>
  startNode(nodeId: number): Promise<void>
  /** Stops every node; the data stays. */
  close(): Promise<void>
}

/** The output of one run of a Kafka command-line tool. */
export interface ToolResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}
