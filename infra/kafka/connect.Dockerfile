# Kafka Connect with an S3 sink; the stock image has no connector for S3.
#
#   docker build -f infra/kafka/connect.Dockerfile -t registry.selfmonitor.com/streams/kafka-connect-s3:0.1.0 infra/kafka
#
# The base is cp-kafka-connect, not cp-kafka-connect-base: they are the same since 6.0, and the latter is deprecated in Confluent
# Platform 8.3 and removed in 8.4.
#
# The sinks and their licences:
#   --build-arg S3_SINK=confluent   kafka-connect-s3, under the Confluent Community License like the base image: you may use and run
#                                   it, but not offer it as a competing service. Exactly once with a deterministic partitioner.
#                                   The default.
#   --build-arg S3_SINK=archive     a sink from a file that you put into infra/kafka/plugins: for example a release of Aiven's sink
#                                   (Apache License 2.0, at least once), or Confluent's archive if the build has no network.
#                                   Pass its name and checksum:
#                                   --build-arg S3_SINK_ARCHIVE=….zip --build-arg S3_SINK_SHA256=…
# If you publish the image, you distribute the plugin under its licence.
ARG CONNECT_IMAGE=confluentinc/cp-kafka-connect:8.3.2
ARG MAVEN_IMAGE=maven:3.9-eclipse-temurin-21
ARG S3_SINK=confluent

# Confluent's sink, installed with the client in the image, which downloads exactly this version from the vendor's marketplace. Pass the
# checksum of its jar to verify the content too.
FROM ${CONNECT_IMAGE} AS sink-confluent
ARG S3_SINK_VERSION=12.1.11
ARG S3_SINK_SHA256=""
USER root
RUN mkdir -p /plugins && touch /tmp/worker.properties \
 && if ! command -v confluent-hub > /dev/null; then \
      echo "This image has no confluent-hub client: download confluentinc-kafka-connect-s3-${S3_SINK_VERSION}.zip and build with S3_SINK=archive" >&2 && exit 1; \
    fi \
 && confluent-hub install --no-prompt --component-dir /plugins --worker-configs /tmp/worker.properties \
      confluentinc/kafka-connect-s3:${S3_SINK_VERSION} \
 && if [ -n "${S3_SINK_SHA256}" ]; then \
      echo "${S3_SINK_SHA256}  $(find /plugins -name "kafka-connect-s3-${S3_SINK_VERSION}.jar")" | sha256sum --check --strict -; \
    fi

# A sink from a file, always with a checksum. The JDK's jar command unpacks zip files.
FROM ${MAVEN_IMAGE} AS sink-archive
ARG S3_SINK_ARCHIVE=""
ARG S3_SINK_SHA256=""
COPY plugins/ /archives/
WORKDIR /plugins/sink
RUN if [ ! -f "/archives/${S3_SINK_ARCHIVE}" ] || [ -z "${S3_SINK_SHA256}" ]; then \
      echo "S3_SINK=archive: put the archive into infra/kafka/plugins and pass S3_SINK_ARCHIVE (its file name) and S3_SINK_SHA256" >&2 && exit 1; \
    fi \
 && echo "${S3_SINK_SHA256}  /archives/${S3_SINK_ARCHIVE}" | sha256sum --check --strict - \
 && case "${S3_SINK_ARCHIVE}" in \
      *.zip) jar --extract --file "/archives/${S3_SINK_ARCHIVE}" ;; \
      *) tar -xf "/archives/${S3_SINK_ARCHIVE}" ;; \
    esac

FROM sink-${S3_SINK} AS sink

# plugin.path is only this folder: a worker that scans all of /usr/share/java takes minutes to start. The Avro converters are on the
# worker's class path. With manifests (KIP-898) the worker does not scan the folder at all.
FROM ${CONNECT_IMAGE}
ARG S3_SINK
COPY --from=sink /plugins/ /opt/selfmonitor/connect-plugins/
USER root
RUN if command -v connect-plugin-path > /dev/null; then \
      LOG_DIR=/tmp/logs connect-plugin-path sync-manifests --plugin-path /opt/selfmonitor/connect-plugins \
      && rm -rf /tmp/logs; \
    fi \
 && chown -R root:root /opt/selfmonitor && chmod -R a+rX,go-w /opt/selfmonitor
ENV CONNECT_PLUGIN_PATH=/opt/selfmonitor/connect-plugins
USER 1000:1000

ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG SOURCE=""
LABEL org.opencontainers.image.title="Kafka Connect with an S3 sink" \
      org.opencontainers.image.description="cp-kafka-connect with the ${S3_SINK} S3 sink in a plugin.path of one folder" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.licenses="Apache-2.0 AND LicenseRef-Confluent-Community-1.0"
