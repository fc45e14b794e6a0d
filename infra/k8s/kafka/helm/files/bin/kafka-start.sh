#!/bin/bash
# Becomes the Kafka server (process 1, so that SIGTERM reaches it), on the configuration that kafka-init.sh rendered.
#
# Environment: NODE_HEAP_MIB, NODE_JVM_OPTIONS, NODE_LOG4J (path of <role>-log4j without its end), NODE_JMX_AGENT (argument of
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

# The remote port of JMX is neither authenticated nor encrypted: never opened.
unset JMX_PORT KAFKA_JMX_PORT KAFKA_JMX_HOSTNAME
# Set here and not in the container, so that tools that people run inside it get neither this heap nor the agent's port.
export KAFKA_HEAP_OPTS="-Xms${NODE_HEAP_MIB}m -Xmx${NODE_HEAP_MIB}m"
names=$(name_cache_option)
# The options that Kafka's own scripts use, and an end instead of a half-dead broker when memory is out.
export KAFKA_JVM_PERFORMANCE_OPTS="-server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true $names ${NODE_JVM_OPTIONS:-}"
# Kafka 3.9 has Log4j 1, Kafka 4 has Log4j 2: each reads its own of the two. In this order, or Kafka 4 takes the first for its own.
export KAFKA_LOG4J_OPTS="-Dlog4j.configuration=file:$NODE_LOG4J.properties -Dlog4j2.configurationFile=${NODE_LOG4J}2.yaml"
export KAFKA_OPTS="${NODE_JMX_AGENT:+-javaagent:$NODE_JMX_AGENT}"
# Without -loggc: no file of the garbage collector on a read-only file system.
export EXTRA_ARGS="-name kafkaServer"

say "Starting node $NODE_ID with a heap of $NODE_HEAP_MIB MiB"
server=$(kafka_tool_path server-start)
exec "$server" "$RUN_DIR/server.properties"
