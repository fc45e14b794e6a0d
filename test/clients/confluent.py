"""One scenario of scenarios.ts with Confluent's Python client (librdkafka): confluent.py <scenario> <bootstrap> <prefix> [argument].

Prints what it saw as one line of JSON.
"""
import json
import sys
import time

import confluent_kafka
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

DEADLINE_SECONDS = 60


def until(condition, what):
    """Calls `condition` until it gives something; the limit only ends a test that would hang."""
    end = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
    raise SystemExit(f"{what} did not happen within {DEADLINE_SECONDS} s")


def create(admin, **partitions_by_topic):
    topics = [NewTopic(name, count, 1) for name, count in partitions_by_topic.items()]
    for future in admin.create_topics(topics).values():
        future.result()


def produce(bootstrap, records, **settings):
    """Records are (topic, partition or None, key, value, timestamp or 0)."""
    failures = []
    producer = Producer({"bootstrap.servers": bootstrap, **settings})
    for topic, partition, key, value, timestamp in records:
        where = {} if partition is None else {"partition": partition}
        producer.produce(
            topic,
            key=key,
            value=value,
            timestamp=timestamp,
            headers=[("n", value)],
            on_delivery=lambda error, _: failures.append(str(error)) if error else None,
            **where,
        )
    left = producer.flush(DEADLINE_SECONDS)
    if failures or left:
        raise SystemExit(f"{left} records were not acknowledged, refused: {failures[:3]}")


def consume(bootstrap, topic, count, group):
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    )
    consumer.subscribe([topic])
    seen = []

    def enough():
        message = consumer.poll(1)
        if message is not None:
            if message.error():
                raise KafkaException(message.error())
            seen.append(message)
        return len(seen) >= count

    until(enough, f"reading {count} records")
    consumer.commit(asynchronous=False)
    consumer.close()
    return seen


def metadata(bootstrap, prefix, _):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    create(admin, **{f"{prefix}-a": 2, f"{prefix}-b": 1})

    def ours():
        topics = admin.list_topics(timeout=30).topics
        return {name: len(topic.partitions) for name, topic in topics.items() if name.startswith(prefix)}

    # A broker of Apache Kafka hears of a new topic a little after its controller.
    until(lambda: len(ours()) == 2, "both topics")
    return ours()


def idempotent(bootstrap, prefix, codec):
    create(AdminClient({"bootstrap.servers": bootstrap}), **{prefix: 3})
    records = [(prefix, None, f"key-{i % 10}", str(i), 0) for i in range(300)]
    produce(bootstrap, records, **{"enable.idempotence": True, "compression.type": codec, "linger.ms": 50})
    seen = consume(bootstrap, prefix, 300, f"{prefix}-group")
    by_key = {}
    for message in seen:
        by_key.setdefault(message.key(), []).append(int(message.value()))
    return {
        "count": len({message.value() for message in seen}),
        "ordered": all(values == sorted(values) for values in by_key.values()),
        "headers": all(message.headers() == [("n", message.value())] for message in seen),
    }


def group(bootstrap, prefix, _):
    create(AdminClient({"bootstrap.servers": bootstrap}), **{prefix: 4})
    settings = {
        "bootstrap.servers": bootstrap,
        "group.id": f"{prefix}-group",
        "auto.offset.reset": "earliest",
        "topic.metadata.refresh.interval.ms": 1000,
        "heartbeat.interval.ms": 500,
        "session.timeout.ms": 10000,
    }
    first, second = Consumer(settings), Consumer(settings)
    # A pattern: the client must list all topics to find what matches.
    first.subscribe([f"^{prefix}$"])

    def assigned():
        sizes = []
        for consumer in (first, second):
            consumer.poll(0.2)
            sizes.append(len(consumer.assignment()))
        return sizes

    until(lambda: assigned() == [4, 0], "the first member's assignment")
    second.subscribe([f"^{prefix}$"])
    until(lambda: assigned() == [2, 2], "the rebalance to two members")
    shared = sorted([p.partition for p in first.assignment()] + [p.partition for p in second.assignment()])
    first.close()

    def alone():
        second.poll(0.2)
        return len(second.assignment()) == 4

    until(alone, "the rebalance back to one member")
    second.close()
    return {"shared": shared}


def times(bootstrap, prefix, _):
    create(AdminClient({"bootstrap.servers": bootstrap}), **{prefix: 1})
    produce(bootstrap, [(prefix, 0, None, str(time), time) for time in (1000, 2000, 3000)])
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"{prefix}-group"})
    answers = [
        consumer.offsets_for_times([TopicPartition(prefix, 0, time)], timeout=30)[0].offset for time in (0, 1500, 3000, 9000)
    ]
    low, high = consumer.get_watermark_offsets(TopicPartition(prefix, 0), timeout=30)
    consumer.close()
    # librdkafka gives OFFSET_END, -1, where no record is that new.
    return {"offsets": answers, "low": low, "high": high}


def admin(bootstrap, prefix, _):
    client = AdminClient({"bootstrap.servers": bootstrap})
    for future in client.create_topics([NewTopic(prefix, 1, 1, config={"retention.ms": "5000"})]).values():
        future.result()
    again = client.create_topics([NewTopic(prefix, 1, 1)])[prefix]
    refused = again.exception().args[0].name()
    client.create_partitions([NewPartitions(prefix, 3)])[prefix].result()
    until(lambda: len(client.list_topics(prefix, timeout=30).topics[prefix].partitions) == 3, "the new partitions")

    def setting(name):
        resource = ConfigResource(ResourceType.TOPIC, prefix)
        return client.describe_configs([resource])[resource].result()[name].value

    before = setting("retention.ms")
    change = ConfigEntry("retention.ms", "6000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, prefix, incremental_configs=[change])
    client.incremental_alter_configs([resource])[resource].result()
    until(lambda: setting("retention.ms") == "6000", "the changed setting")

    produce(bootstrap, [(prefix, 0, None, "x", 0)])
    name = f"{prefix}-group"
    consume(bootstrap, prefix, 1, name)
    groups = client.list_consumer_groups().result().valid
    described = client.describe_consumer_groups([name])[name].result()
    committed = client.list_consumer_group_offsets([ConsumerGroupTopicPartitions(name)])[name].result().topic_partitions
    cluster = client.describe_cluster().result()
    result = {
        "refused": refused,
        "retention": [before, setting("retention.ms")],
        "listed": name in [group.group_id for group in groups],
        "state": described.state.name,
        "committed": {partition.partition: partition.offset for partition in committed if partition.offset >= 0},
        "brokers": len(cluster.nodes),
    }
    client.delete_consumer_groups([name])[name].result()
    client.delete_topics([prefix])[prefix].result()
    until(lambda: prefix not in client.list_topics(timeout=30).topics, "the topic's end")
    return result


def transactions(bootstrap, prefix, _):
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": prefix})
    try:
        producer.init_transactions(DEADLINE_SECONDS)
    except KafkaException as failure:
        error = failure.args[0]
        return {"error": error.name(), "fatal": error.fatal(), "text": error.str()}
    return {}


def consumer_protocol(bootstrap, prefix, _):
    create(AdminClient({"bootstrap.servers": bootstrap}), **{prefix: 1})
    settings = {"bootstrap.servers": bootstrap, "group.id": f"{prefix}-group", "group.protocol": "consumer"}
    consumer = Consumer(settings)
    consumer.subscribe([prefix])
    error = until(lambda: consumer.poll(1), "an error").error()
    return {"error": error.name(), "text": error.str()}


scenario, servers, topic_prefix = sys.argv[1:4]
play = {
    "metadata": metadata,
    "idempotent": idempotent,
    "group": group,
    "times": times,
    "admin": admin,
    "transactions": transactions,
    "consumer-protocol": consumer_protocol,
}[scenario]
answer = play(servers, topic_prefix, sys.argv[4] if len(sys.argv) > 4 else None)
print(json.dumps({"version": confluent_kafka.__version__, "saw": answer}))
