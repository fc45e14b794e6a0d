# The image of pod kafka-tools: the `selfmonitor` command, Kafka's own tools, curl and jq. It is based on the selfmonitor image:
#
#   docker build -f infra/kafka/Dockerfile -t registry.selfmonitor.com/streams/selfmonitor:0.1.0 .
#   docker build -f infra/kafka/tools.Dockerfile -t registry.selfmonitor.com/streams/kafka-tools:0.1.0 infra/kafka
ARG STREAMS_IMAGE=registry.selfmonitor.com/streams/selfmonitor:0.1.0
ARG KAFKA_IMAGE=apache/kafka:4.3.1
ARG JRE_IMAGE=eclipse-temurin:21-jre

FROM ${KAFKA_IMAGE} AS kafka
FROM ${JRE_IMAGE} AS jre

FROM ${STREAMS_IMAGE}
USER root
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl jq less procps \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=jre /opt/java/openjdk/ /opt/java/openjdk/
COPY --from=kafka /opt/kafka/bin/ /opt/kafka/bin/
COPY --from=kafka /opt/kafka/libs/ /opt/kafka/libs/
COPY --from=kafka /opt/kafka/config/ /opt/kafka/config/
ENV JAVA_HOME=/opt/java/openjdk \
    PATH=/opt/java/openjdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/kafka/bin
USER 1000:1000
CMD ["--help"]
LABEL org.opencontainers.image.title="SelfMonitor Streams tools" \
      org.opencontainers.image.description="The selfmonitor command and Apache Kafka's command-line tools" \
      org.opencontainers.image.licenses="Apache-2.0"
