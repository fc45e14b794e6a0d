"""Writes transactions with librdkafka: transactions.py <bootstrap> <topic> <step>…

A step is commit:<values>, abort:<values> or open:<values>, the values joined with commas, all to partition 0. A transaction that is
left open stays so until the broker ends it. `plain:<values>` writes without a transaction.
"""
import sys

from confluent_kafka import Producer


def main(bootstrap, topic, *steps):
    plain = Producer({"bootstrap.servers": bootstrap})
    for number, step in enumerate(steps):
        kind, _, values = step.partition(":")
        if kind == "plain":
            producer = plain
        else:
            producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": f"{topic}-{number}"})
            producer.init_transactions()
            producer.begin_transaction()
        for value in values.split(","):
            producer.produce(topic, value=value, partition=0)
        producer.flush()
        if kind == "commit":
            producer.commit_transaction()
        elif kind == "abort":
            producer.abort_transaction()


main(*sys.argv[1:])
