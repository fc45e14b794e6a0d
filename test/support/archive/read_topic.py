# Reads a topic of Avro values with Confluent's client and its deserializer, and prints the records as JSON.
#
#   read_topic.py <bootstrap servers> <registry> <topic> <records>
import json
import sys
import uuid

from confluent_kafka import Consumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

servers, registry, topic, count = sys.argv[1:5]
deserialize = AvroDeserializer(SchemaRegistryClient({"url": registry}))
consumer = Consumer({"bootstrap.servers": servers, "group.id": str(uuid.uuid4()), "auto.offset.reset": "earliest"})
consumer.subscribe([topic])
records = []
while len(records) < int(count):
    message = consumer.poll(10)
    if message is None:
        break
    if message.error():
        raise SystemExit(message.error())
    value = deserialize(message.value(), SerializationContext(topic, MessageField.VALUE))
    value["id"] = str(value["id"])
    value["raw"] = value["raw"].hex()
    value["at"] = int(value["at"].timestamp() * 1000)
    key = None if message.key() is None else message.key().decode()
    headers = [[name, None if text is None else text.decode()] for name, text in message.headers() or []]
    records.append({"key": key, "timestamp": message.timestamp()[1], "headers": headers, "value": value})
consumer.close()
print(json.dumps(records))
