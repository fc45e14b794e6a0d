#!/bin/bash
# Starts the Kafka server with the configuration that kafka-init.sh rendered. The server replaces this script as process 1, so that
# SIGTERM reaches it.
#
# Environment: KAFKA_HEAP_OPTS, which overrides NODE_HEAP_MIB; NODE_MEMORY_MIB (the container's limit, empty: none); NODE_JVM_OPTIONS;
# NODE_LOG4J (path of <role>-log4j without its extension); NODE_JMX_AGENT (argument of -javaagent, empty: none);
# NODE_CERTIFICATE_RELOAD_SECONDS (0: never) and NODE_CERTIFICATE_RESTART_SECONDS, see certificate-watch.sh.
source "$(dirname "$0")/lib.sh"

rm -f "$RUN_DIR/listening-since"

if [[ ${NODE_SECURITY:-false} == true ]]; then
  # The certificate may have been renewed while the container was down.
  if certificates_changed; then install_certificates; fi
  rm -f "$TLS_DIR/not-taken"
  # The server keeps the id of this process ($$).
  if ((${NODE_CERTIFICATE_RELOAD_SECONDS:-0} > 0)); then "$(dirname "$0")/certificate-watch.sh" $$ & fi
fi

# The last -Xmx of Java options, in MiB; empty when there is none.
heap_mib() {
  local option size unit found=''
  for option in $1; do
    if [[ $option =~ ^-Xmx([0-9]+)([kKmMgGtT]?)$ ]]; then
      size=${BASH_REMATCH[1]}
      unit=${BASH_REMATCH[2],}
      case $unit in
        t) found=$((size * 1048576)) ;;
        g) found=$((size * 1024)) ;;
        m) found=$size ;;
        k) found=$((size / 1024)) ;;
        *) found=$((size / 1048576)) ;;
      esac
    fi
  done
  printf '%s' "$found"
}

# KAFKA_HEAP_OPTS from kubectl or kafka.extraEnv overrides the chart's heap. The file tells kafka-tool.sh not to use it for tools.
given_heap=${KAFKA_HEAP_OPTS:-}
printf '%s' "$given_heap" >"$RUN_DIR/server-heap"
if [[ -z $given_heap ]]; then
  given_heap="-Xms${NODE_HEAP_MIB}m -Xmx${NODE_HEAP_MIB}m"
elif [[ -z $(heap_mib "$given_heap") && $given_heap != *MaxRAMPercentage* ]]; then
  given_heap="-Xmx${NODE_HEAP_MIB}m $given_heap"
fi
wanted=$(heap_mib "$given_heap")
if [[ -n $wanted && -n ${NODE_MEMORY_MIB:-} ]] && ((wanted + 384 > NODE_MEMORY_MIB)); then
  fail "KAFKA_HEAP_OPTS asks for a heap of $wanted MiB, but the container has $NODE_MEMORY_MIB MiB of memory" \
    "Leave 384 MiB or more outside of the heap; on brokers, leave three quarters of the memory to the page cache" \
    "Reduce KAFKA_HEAP_OPTS, or raise the chart's resources.requests.memory"
fi

# The remote JMX port has no authentication and no encryption, so it is never opened.
unset JMX_PORT KAFKA_JMX_PORT KAFKA_JMX_HOSTNAME
# Set here and not in the container's environment, so that tools run in the container get neither this heap nor the agent's port.
export KAFKA_HEAP_OPTS=$given_heap
names=$(name_cache_option)
# The options of Kafka's own scripts, and -XX:+ExitOnOutOfMemoryError: a broker out of memory exits instead of half working.
export KAFKA_JVM_PERFORMANCE_OPTS="-server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true $names ${NODE_JVM_OPTIONS:-}"
# Kafka 3.9 (Log4j 1) reads the first option, Kafka 4 (Log4j 2) the second. Keep the order: if the Log4j 1 file came last, Kafka 4 would read it.
export KAFKA_LOG4J_OPTS="-Dlog4j.configuration=file:$NODE_LOG4J.properties -Dlog4j2.configurationFile=${NODE_LOG4J}2.yaml"
export KAFKA_OPTS="${KAFKA_OPTS:-} ${NODE_JMX_AGENT:+-javaagent:$NODE_JMX_AGENT}"
# No -loggc, because the file system is read-only.
export EXTRA_ARGS="-name kafkaServer"

say "Starting node $NODE_ID with $KAFKA_HEAP_OPTS"
server=$(kafka_tool_path server-start)
exec "$server" "$RUN_DIR/server.properties"
