# Kafka Connect with an S3 sink; the stock image has no connector for S3.
#
#   docker build -f infra/kafka/connect.Dockerfile -t registry.selfmonitor.com/streams/kafka-connect-s3:0.1.0 infra/kafka
#
# FROM cp-kafka-connect and not cp-kafka-connect-base: the two are the same since 6.0, and the latter is deprecated in
# Confluent Platform 8.3 and gone in 8.4.
#
# Which sink, and under which licence:
#   --build-arg S3_SINK=confluent   kafka-connect-s3, Confluent Community License like the image itself: free to use and to
#                                   run for yourself, not to offer as a competing service. Exactly once with a
#                                   deterministic partitioner. The default.
#   --build-arg S3_SINK=archive     any other, from a file that you put into infra/kafka/plugins: a release of Aiven's sink
#                                   (Apache License 2.0, at least once), say, or Confluent's archive where the build has no
#                                   network. Pass its name and checksum:
#                                   --build-arg S3_SINK_ARCHIVE=….zip --build-arg S3_SINK_SHA256=…
# Whoever publishes the image distributes the plugin under its licence.
ARG CONNECT_IMAGE=confluentinc/cp-kafka-connect:8.3.2
ARG MAVEN_IMAGE=maven:3.9-eclipse-temurin-21
ARG S3_SINK=confluent

# Confluent's, with the client that the image brings. It asks the vendor's marketplace for exactly this version; pass the
# checksum of its jar to be sure of the bytes as well.
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

# From a file, never without its checksum. The JDK's jar unpacks zip.
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

# plugin.path is this one folder: a worker that searches all of /usr/share/java takes minutes to start. The converters
# for Avro are on the worker's own class path. With manifests (KIP-898) the folder is not even searched.
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
