"""One scenario of scenarios.ts with kafka-python: kafka_python.py <scenario> <bootstrap> <prefix> [argument].

Prints what it saw as one line of JSON.
"""
import json
import sys
import threading
import time

import kafka
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from kafka.errors import KafkaError

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
    admin.create_topics([NewTopic(name, count, 1) for name, count in partitions_by_topic.items()])


def consume(bootstrap, topic, count, group):
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    seen = []

    def enough():
        for records in consumer.poll(timeout_ms=1000).values():
            seen.extend(records)
        return len(seen) >= count

    until(enough, f"reading {count} records")
    consumer.commit()
    consumer.close()
    return seen


def metadata(bootstrap, prefix, _):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    create(admin, **{f"{prefix}-a": 2, f"{prefix}-b": 1})
    consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    until(lambda: {f"{prefix}-a", f"{prefix}-b"} <= set(consumer.topics()), "both topics")
    names = [name for name in consumer.topics() if name.startswith(prefix)]
    return {name: len(consumer.partitions_for_topic(name)) for name in names}


def idempotent(bootstrap, prefix, codec):
    create(KafkaAdminClient(bootstrap_servers=bootstrap), **{prefix: 3})
    producer = KafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        compression_type=None if codec == "none" else codec,
        linger_ms=50,
    )
    for i in range(300):
        value = str(i).encode()
        producer.send(prefix, key=f"key-{i % 10}".encode(), value=value, headers=[("n", value)])
    producer.flush(DEADLINE_SECONDS)
    producer.close()
    seen = consume(bootstrap, prefix, 300, f"{prefix}-group")
    by_key = {}
    for record in seen:
        by_key.setdefault(record.key, []).append(int(record.value))
    return {
        "count": len({record.value for record in seen}),
        "ordered": all(values == sorted(values) for values in by_key.values()),
        "headers": all(list(map(tuple, record.headers)) == [("n", record.value)] for record in seen),
    }


def group(bootstrap, prefix, _):
    create(KafkaAdminClient(bootstrap_servers=bootstrap), **{prefix: 4})
    stops, shares, threads = [], {}, []

    def member(name, stop):
        consumer = KafkaConsumer(
            bootstrap_servers=bootstrap,
            group_id=f"{prefix}-group",
            auto_offset_reset="earliest",
            metadata_max_age_ms=1000,
            heartbeat_interval_ms=500,
            session_timeout_ms=10000,
        )
        consumer.subscribe(pattern=f"^{prefix}$")
        while not stop.is_set():
            consumer.poll(timeout_ms=200)
            shares[name] = sorted(p.partition for p in consumer.assignment())
        shares[name] = []
        consumer.close()

    def start(name):
        stop = threading.Event()
        thread = threading.Thread(target=member, args=(name, stop), daemon=True)
        thread.start()
        stops.append(stop)
        threads.append(thread)

    def counts():
        time.sleep(0.05)
        return [len(shares.get(name, [])) for name in ("first", "second")]

    start("first")
    until(lambda: counts() == [4, 0], "the first member's assignment")
    start("second")
    until(lambda: counts() == [2, 2], "the rebalance to two members")
    shared = sorted(shares["first"] + shares["second"])
    stops[0].set()
    until(lambda: counts() == [0, 4], "the rebalance back to one member")
    stops[1].set()
    for thread in threads:
        thread.join()
    return {"shared": shared}


def times(bootstrap, prefix, _):
    create(KafkaAdminClient(bootstrap_servers=bootstrap), **{prefix: 1})
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for timestamp in (1000, 2000, 3000):
        producer.send(prefix, value=str(timestamp).encode(), partition=0, timestamp_ms=timestamp)
    producer.flush(DEADLINE_SECONDS)
    producer.close()
    consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    partition = TopicPartition(prefix, 0)
    found = [consumer.offsets_for_times({partition: time})[partition] for time in (0, 1500, 3000, 9000)]
    return {
        "offsets": [-1 if answer is None else answer.offset for answer in found],
        "low": consumer.beginning_offsets([partition])[partition],
        "high": consumer.end_offsets([partition])[partition],
    }


def admin(bootstrap, prefix, _):
    client = KafkaAdminClient(bootstrap_servers=bootstrap)
    client.create_topics([NewTopic(prefix, 1, 1, topic_configs={"retention.ms": "5000"})])
    try:
        client.create_topics([NewTopic(prefix, 1, 1)])
        refused = None
    except KafkaError as error:
        refused = error.message
    client.create_partitions({prefix: NewPartitions(3)})
    consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    until(lambda: len(consumer.partitions_for_topic(prefix) or ()) == 3, "the new partitions")

    def retention():
        resource = ConfigResource(ConfigResourceType.TOPIC, prefix, configs=["retention.ms"])
        return client.describe_configs([resource])["topic"][prefix]["retention.ms"]["value"]

    before = retention()
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, prefix, configs={"retention.ms": "6000"})])
    until(lambda: retention() == "6000", "the changed setting")

    producer = KafkaProducer(bootstrap_servers=bootstrap)
    producer.send(prefix, value=b"x", partition=0)
    producer.close()
    name = f"{prefix}-group"
    consume(bootstrap, prefix, 1, name)
    committed = client.list_group_offsets({name: None})[name]
    result = {
        "refused": refused,
        "retention": [before, retention()],
        "listed": name in [listed["group_id"] for listed in client.list_groups()],
        "state": client.describe_groups([name])[name]["group_state"].upper(),
        "committed": {partition.partition: at.offset for partition, at in committed.items() if at.offset > 0},
        "brokers": len(client.describe_cluster()["brokers"]),
    }
    client.delete_groups([name])
    client.delete_topics([prefix])
    until(lambda: prefix not in client.list_topics(), "the topic's end")
    return result


scenario, servers, topic_prefix = sys.argv[1:4]
play = {"metadata": metadata, "idempotent": idempotent, "group": group, "times": times, "admin": admin}[scenario]
answer = play(servers, topic_prefix, sys.argv[4] if len(sys.argv) > 4 else None)
print(json.dumps({"version": kafka.__version__, "saw": answer}))
