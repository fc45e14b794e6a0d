#!/bin/bash
# Becomes the Kafka server (process 1, so that SIGTERM reaches it), on the configuration that kafka-init.sh rendered.
#
# Environment: KAFKA_HEAP_OPTS, which wins over NODE_HEAP_MIB; NODE_MEMORY_MIB (the container's limit, empty: none); NODE_JVM_OPTIONS, NODE_LOG4J (path of <role>-log4j without its end), NODE_JMX_AGENT (argument of
# -javaagent, empty: none),
# NODE_CERTIFICATE_RELOAD_SECONDS (0: never) and NODE_CERTIFICATE_RESTART_SECONDS, see certificate-watch.sh.
source "$(dirname "$0")/lib.sh"

rm -f "$RUN_DIR/listening-since"

if [[ ${NODE_SECURITY:-false} == true ]]; then
  # Renewed while the container was down.
  if certificates_changed; then install_certificates; fi
  rm -f "$TLS_DIR/not-taken"
  # This process becomes the server and keeps its id. What runs beside it ends with the container.
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

# Given by kubectl or kafka.extraEnv, instead of the chart's heap. kafka-tool.sh knows by the file that it is the server's alone.
given_heap=${KAFKA_HEAP_OPTS:-}
printf '%s' "$given_heap" >"$RUN_DIR/server-heap"
if [[ -z $given_heap ]]; then
  given_heap="-Xms${NODE_HEAP_MIB}m -Xmx${NODE_HEAP_MIB}m"
elif [[ -z $(heap_mib "$given_heap") && $given_heap != *MaxRAMPercentage* ]]; then
  given_heap="-Xmx${NODE_HEAP_MIB}m $given_heap"
fi
wanted=$(heap_mib "$given_heap")
if [[ -n $wanted && -n ${NODE_MEMORY_MIB:-} ]] && ((wanted + 384 > NODE_MEMORY_MIB)); then
  fail "KAFKA_HEAP_OPTS asks for a heap of $wanted MiB, and the container has $NODE_MEMORY_MIB MiB of memory" \
    "Leave 384 MiB or more beside the heap; for brokers, three quarters of the memory, as page cache" \
    "Set KAFKA_HEAP_OPTS to less, or resources.requests.memory of the chart to more"
fi

# The remote port of JMX is neither authenticated nor encrypted: never opened.
unset JMX_PORT KAFKA_JMX_PORT KAFKA_JMX_HOSTNAME
# Set here and not in the container, so that tools that people run inside it get neither this heap nor the agent's port.
export KAFKA_HEAP_OPTS=$given_heap
names=$(name_cache_option)
# The options that Kafka's own scripts use, and an end instead of a half-dead broker when memory is out.
export KAFKA_JVM_PERFORMANCE_OPTS="-server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true $names ${NODE_JVM_OPTIONS:-}"
# Kafka 3.9 has Log4j 1, Kafka 4 has Log4j 2: each reads its own of the two. In this order, or Kafka 4 takes the first for its own.
export KAFKA_LOG4J_OPTS="-Dlog4j.configuration=file:$NODE_LOG4J.properties -Dlog4j2.configurationFile=${NODE_LOG4J}2.yaml"
export KAFKA_OPTS="${KAFKA_OPTS:-} ${NODE_JMX_AGENT:+-javaagent:$NODE_JMX_AGENT}"
# Without -loggc: no file of the garbage collector on a read-only file system.
export EXTRA_ARGS="-name kafkaServer"

say "Starting node $NODE_ID with $KAFKA_HEAP_OPTS"
server=$(kafka_tool_path server-start)
exec "$server" "$RUN_DIR/server.properties"
