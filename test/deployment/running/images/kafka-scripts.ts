// The shell scripts of a Kafka distribution, as our own text with the same behaviour: the same names, main classes, environment
// variables and flags of the Java virtual machine. Source of the facts: bin/ of apache/kafka 4.3.

import { mainClasses as toolClasses } from '@selfmonitor/apache'
import { archivePath } from './class-archive.ts'

/** Tools by name without `kafka-` or `.sh` taken off, and the class that each runs. */
const mainClasses: Readonly<Record<string, string>> = {
  ...toolClasses,
  'kafka-client-metrics': 'org.apache.kafka.tools.ClientMetricsCommand',
  'kafka-console-share-consumer': 'org.apache.kafka.tools.consumer.ConsoleShareConsumer',
  'kafka-delegation-tokens': 'org.apache.kafka.tools.DelegationTokenCommand',
  'kafka-jmx': 'org.apache.kafka.tools.JmxTool',
  'kafka-replica-verification': 'org.apache.kafka.tools.ReplicaVerificationTool',
  'kafka-share-groups': 'org.apache.kafka.tools.consumer.group.ShareGroupCommand',
}

/** Heaps that the distribution's scripts give to tools that measure. */
const heaps: Readonly<Record<string, string>> = {
  'kafka-producer-perf-test': '-Xmx512M',
  'kafka-consumer-perf-test': '-Xmx512M',
  'kafka-verifiable-consumer': '-Xmx512M',
  'kafka-verifiable-producer': '-Xmx512M',
  'kafka-console-consumer': '-Xmx512M',
  'kafka-console-producer': '-Xmx512M',
}

export interface ScriptOptions {
  /** `.sh` in Apache's distribution, nothing in Confluent's. */
  readonly suffix: string
  /** Class path of the jars, as the launcher's wildcard. */
  readonly classPath: string
  /** Default logging configuration of tools. */
  readonly toolsLogging: string
  /** Default logging configuration of servers. */
  readonly serverLogging: string
}

/** The scripts of `bin/`, by file name. */
export function kafkaScripts(options: ScriptOptions): Record<string, string> {
  const { suffix } = options
  const scripts: Record<string, string> = {
    [`kafka-run-class${suffix}`]: runClass(options),
    [`kafka-server-start${suffix}`]: server('kafka.Kafka', 'kafkaServer', '-Xmx1G -Xms1G', options),
    [`connect-distributed${suffix}`]: server(
      'org.apache.kafka.connect.cli.ConnectDistributed',
      'connectDistributed',
      '-Xms256M -Xmx2G',
      options,
    ),
  }
  for (const [name, mainClass] of Object.entries(mainClasses)) {
    const heap = heaps[name] ? `export KAFKA_HEAP_OPTS="\${KAFKA_HEAP_OPTS:-${heaps[name]}}"\n` : ''
    scripts[name + suffix] = `#!/bin/bash\n${heap}exec $(dirname $0)/kafka-run-class${suffix} ${mainClass} "$@"\n`
  }
  return scripts
}

function runClass({ classPath, toolsLogging }: ScriptOptions): string {
  return `#!/bin/bash
if [ $# -lt 1 ]; then
  echo "USAGE: $0 [-daemon] [-name servicename] [-loggc] classname [opts]"
  exit 1
fi
CLASSPATH="\${CLASSPATH:+$CLASSPATH:}${classPath}"
KAFKA_JMX_OPTS=\${KAFKA_JMX_OPTS:--Dcom.sun.management.jmxremote=true -Dcom.sun.management.jmxremote.authenticate=false -Dcom.sun.management.jmxremote.ssl=false}
if [ -n "$JMX_PORT" ]; then
  KAFKA_JMX_OPTS="$KAFKA_JMX_OPTS -Dcom.sun.management.jmxremote.port=$JMX_PORT"
fi
LOG_DIR=\${LOG_DIR:-$(dirname $0)/../logs}
if [ -z "$KAFKA_LOG4J_OPTS" ]; then
  KAFKA_LOG4J_OPTS="-Dlog4j2.configurationFile=${toolsLogging}"
elif [ ! -d "$LOG_DIR" ]; then
  mkdir -p "$LOG_DIR"
fi
KAFKA_LOG4J_OPTS="-Dkafka.logs.dir=$LOG_DIR $KAFKA_LOG4J_OPTS"
KAFKA_HEAP_OPTS=\${KAFKA_HEAP_OPTS:--Xmx256M}
KAFKA_JVM_PERFORMANCE_OPTS=\${KAFKA_JVM_PERFORMANCE_OPTS:--server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent -Djava.awt.headless=true}
while [ $# -gt 0 ]; do
  case $1 in
    -name) DAEMON_NAME=$2; shift 2 ;;
    -loggc) GC_LOG=true; shift ;;
    -daemon) echo "Nothing is started in the background in a container" >&2; exit 1 ;;
    *) break ;;
  esac
done
if [ "$GC_LOG" = true ]; then
  KAFKA_GC_LOG_OPTS="-Xlog:gc*:file=$LOG_DIR/$DAEMON_NAME-gc.log:time,tags:filecount=10,filesize=100M"
fi
JAVA=\${JAVA_HOME:+$JAVA_HOME/bin/}java
CDS=
if [ -r ${archivePath} ]; then CDS="-XX:SharedArchiveFile=${archivePath} -Xshare:auto"; fi
exec "$JAVA" $CDS $KAFKA_HEAP_OPTS $KAFKA_JVM_PERFORMANCE_OPTS $KAFKA_GC_LOG_OPTS $KAFKA_JMX_OPTS $KAFKA_LOG4J_OPTS -cp "$CLASSPATH" $KAFKA_OPTS "$@"
`
}

function server(mainClass: string, name: string, heap: string, { suffix, serverLogging }: ScriptOptions): string {
  return `#!/bin/bash
if [ $# -lt 1 ]; then
  echo "USAGE: $0 [-daemon] server.properties [--override property=value]*"
  exit 1
fi
export KAFKA_LOG4J_OPTS=\${KAFKA_LOG4J_OPTS:--Dlog4j2.configurationFile=${serverLogging}}
export KAFKA_HEAP_OPTS=\${KAFKA_HEAP_OPTS:-${heap}}
EXTRA_ARGS=\${EXTRA_ARGS-'-name ${name}${name === 'kafkaServer' ? ' -loggc' : ''}'}
exec $(dirname $0)/kafka-run-class${suffix} $EXTRA_ARGS ${mainClass} "$@"
`
}

/** Logging of tools: warnings to standard error, so that standard output is what was asked for. */
export const toolsLog4j2 = `Configuration:
  Appenders:
    Console:
      name: STDERR
      target: SYSTEM_ERR
      PatternLayout:
        pattern: "[%d] %p %m (%c)%n"
  Loggers:
    Root:
      level: WARN
      AppenderRef:
        - ref: STDERR
`
