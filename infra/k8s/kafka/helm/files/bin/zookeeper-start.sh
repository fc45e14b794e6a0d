#!/bin/bash
# Starts the ZooKeeper server as process 1. It reads a renewed certificate only when it starts: restart the pods after a renewal.
#
# Environment: NODE_HEAP_MIB, NODE_JVM_OPTIONS.
source "$(dirname "$0")/lib.sh"

unset JMX_PORT KAFKA_JMX_PORT KAFKA_JMX_HOSTNAME
export KAFKA_HEAP_OPTS="-Xms${NODE_HEAP_MIB}m -Xmx${NODE_HEAP_MIB}m"
export KAFKA_LOG4J_OPTS="-Dlog4j.configuration=file:$ETC_DIR/zookeeper/log4j.properties"
names=$(name_cache_option)
export KAFKA_JVM_PERFORMANCE_OPTS="-server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true $names ${NODE_JVM_OPTIONS:-}"
# ZooKeeper's JMX port stays closed.
export KAFKA_OPTS="-Dzookeeper.jmx.log4j.disable=true"
export EXTRA_ARGS="-name zookeeper"

say "Starting server $((ORDINAL + 1)) with a heap of $NODE_HEAP_MIB MiB"
server=$(command -v zookeeper-server-start || echo /opt/kafka/bin/zookeeper-server-start.sh)
exec "$server" "$ETC_DIR/zookeeper/zookeeper.properties"
