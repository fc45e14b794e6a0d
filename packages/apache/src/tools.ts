// Kafka's own command-line tools by the names people type, run straight from the jars.
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { ApacheError } from './errors.ts'
import { type RunOptions, run } from './process.ts'
import type { KafkaDistribution, ToolResult } from './types.ts'

/** The class behind each of Kafka's command-line tools, by the name that people type. */
export const mainClasses = {
  'kafka-acls': 'org.apache.kafka.tools.AclCommand',
  'kafka-broker-api-versions': 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  'kafka-cluster': 'org.apache.kafka.tools.ClusterTool',
  'kafka-configs': 'kafka.admin.ConfigCommand',
  'kafka-console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'kafka-console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'kafka-console-share-consumer': 'org.apache.kafka.tools.consumer.ConsoleShareConsumer',
  'kafka-consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'kafka-consumer-perf-test': 'org.apache.kafka.tools.ConsumerPerformance',
  'kafka-delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  'kafka-dump-log': 'org.apache.kafka.tools.DumpLogSegments',
  'kafka-e2e-latency': 'org.apache.kafka.tools.EndToEndLatency',
  'kafka-features': 'org.apache.kafka.tools.FeatureCommand',
  'kafka-get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  'kafka-groups': 'org.apache.kafka.tools.GroupsCommand',
  'kafka-leader-election': 'org.apache.kafka.tools.LeaderElectionCommand',
  'kafka-log-dirs': 'org.apache.kafka.tools.LogDirsCommand',
  'kafka-metadata-quorum': 'org.apache.kafka.tools.MetadataQuorumCommand',
  'kafka-producer-perf-test': 'org.apache.kafka.tools.ProducerPerformance',
  'kafka-reassign-partitions': 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
  'kafka-share-groups': 'org.apache.kafka.tools.consumer.group.ShareGroupCommand',
  'kafka-storage': 'kafka.tools.StorageTool',
  'kafka-topics': 'org.apache.kafka.tools.TopicCommand',
  'kafka-transactions': 'org.apache.kafka.tools.TransactionsCommand',
  'kafka-verifiable-consumer': 'org.apache.kafka.tools.VerifiableConsumer',
  'kafka-verifiable-producer': 'org.apache.kafka.tools.VerifiableProducer',
} as const

export type ToolName = keyof typeof mainClasses

export const toolNames = Object.keys(mainClasses) as readonly ToolName[]

const log4jFile = fileURLToPath(new URL('../log4j2.properties', import.meta.url))

/** Java arguments that log through our log4j2.properties. */
export function loggingArguments(level: 'INFO' | 'WARN', target: 'SYSTEM_OUT' | 'SYSTEM_ERR'): string[] {
  return [
    `-Dlog4j2.configurationFile=${log4jFile}`,
    `-Dselfmonitor.log.level=${level}`,
    `-Dselfmonitor.log.target=${target}`,
  ]
}

/** Tools that measure get the compiler and collector that Kafka's scripts give them; the others start quickly. */
const measuring: ReadonlySet<ToolName> = new Set([
  'kafka-producer-perf-test',
  'kafka-consumer-perf-test',
  'kafka-e2e-latency',
])

function toolArguments(distribution: KafkaDistribution, tool: ToolName, args: readonly string[]): string[] {
  const mainClass = mainClasses[tool]
  if (!mainClass) throw new ApacheError('UNKNOWN_TOOL', `Unknown tool "${tool}"`, `Use one of ${toolNames.join(', ')}`)
  const speed = measuring.has(tool)
    ? ['-Xmx512m', '-XX:+UseG1GC']
    : ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']
  return [...speed, ...loggingArguments('WARN', 'SYSTEM_ERR'), '-cp', `${distribution.libsDir}/*`, mainClass, ...args]
}

/** Runs one of Kafka's tools to its end. A failing tool is a result, not an error: look at `exitCode`. */
export function runTool(
  distribution: KafkaDistribution,
  tool: ToolName,
  args: readonly string[],
  options: RunOptions = {},
): Promise<ToolResult> {
  return run(distribution.java, toolArguments(distribution, tool, args), options)
}

/** Starts one of Kafka's tools and leaves its pipes to the caller, who ends it. */
export function spawnTool(distribution: KafkaDistribution, tool: ToolName, args: readonly string[]): ChildProcess {
  return spawn(distribution.java, toolArguments(distribution, tool, args), { stdio: 'pipe' })
}
