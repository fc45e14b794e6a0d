#!/bin/bash
# `helm test`: logs in as helm-test, writes a unique message with Kafka's console producer, reads it back with the console consumer, and
# lists the registry's subjects. Runs in the kafka image.
#
#   BOOTSTRAP  host:port,…   TOPIC   REGISTRY_HOST, REGISTRY_PORT (empty: no registry)
#   CLIENT_PROPERTIES        how to connect
# shellcheck source=lib.sh
. /opt/selfmonitor/bin/lib.sh

fail() {
  echo "helm-test: FAILED: $1" >&2
  exit 1
}

message="helm-test $(date +%s) $RANDOM$RANDOM"
echo "helm-test: producing \"$message\" to $TOPIC at $BOOTSTRAP"
# Kafka 3.9 and 4.x both accept --producer.config and --consumer.config.
printf '%s\n' "$message" |
  kafka_tool console-producer --bootstrap-server "$BOOTSTRAP" --producer.config "$CLIENT_PROPERTIES" --topic "$TOPIC" \
    --producer-property delivery.timeout.ms=60000 --producer-property request.timeout.ms=20000 > /tmp/producer.log 2>&1 || {
  cat /tmp/producer.log >&2
  fail "the console producer ended with an error"
}
# The console producer exits with 0 even if the broker rejects the record; only its log shows the error.
if file_contains /tmp/producer.log ERROR; then
  cat /tmp/producer.log >&2
  fail "the message was not accepted by $TOPIC"
fi

# The console consumer never stops, so the script stops it. It does not run through kafka_tool, so that $! is the consumer's own process:
# on SIGTERM it leaves its group; a killed consumer would make the next run wait for the session timeout.
path=$(kafka_tool_path console-consumer)
KAFKA_HEAP_OPTS=$TOOL_HEAP KAFKA_JVM_PERFORMANCE_OPTS=$TOOL_JVM KAFKA_OPTS='' "$path" --bootstrap-server "$BOOTSTRAP" \
  --consumer.config "$CLIENT_PROPERTIES" --topic "$TOPIC" --group "helm-test-$HOSTNAME" --from-beginning \
  > /tmp/consumed 2> /tmp/consumer.log &
consumer=$!
deadline=$((SECONDS + 60))
until file_contains /tmp/consumed "$message"; do
  if ! kill -0 $consumer 2> /dev/null || ((SECONDS > deadline)); then
    cat /tmp/producer.log /tmp/consumer.log >&2
    fail "the message could not be read back from $TOPIC within 60 s"
  fi
  sleep 1
done
kill $consumer
wait $consumer || true
echo 'helm-test: read the message back'

if [ -n "${REGISTRY_HOST:-}" ]; then
  exec 3<> "/dev/tcp/$REGISTRY_HOST/$REGISTRY_PORT" || fail "no connection to the registry at $REGISTRY_HOST:$REGISTRY_PORT"
  printf 'GET /subjects HTTP/1.0\r\nHost: %s\r\nAccept: application/json\r\n\r\n' "$REGISTRY_HOST" >&3
  IFS= read -r -t 30 status <&3 || fail "the registry at $REGISTRY_HOST:$REGISTRY_PORT did not answer"
  case $status in
    *' 200 '*) echo "helm-test: the registry answers" ;;
    *) fail "the registry answered \"$status\" for GET /subjects" ;;
  esac
  exec 3>&-
fi
echo 'helm-test: passed'
