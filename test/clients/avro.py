"""Events in the envelope, and records of a shape of their own, written and read as a Python service would.

avro.py write|read confluent|fastavro <bootstrap servers> <registry url> <topic of events> <topic of records>

`confluent` uses the serializer and deserializer of confluent-kafka; `fastavro` writes and reads the bytes itself, with
Confluent's five bytes in front. `read` prints the first event and the first record as one line of JSON.
"""
import datetime
import decimal
import io
import json
import struct
import sys
import urllib.request

import fastavro
from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

action, how, bootstrap, registry_url, events_topic, records_topic = sys.argv[1:]

PLACED_AT = datetime.datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=datetime.timezone.utc)
EVENT = {
    "event_id": f"e-{how}",
    "event_type": "user_created",
    "user_id": "u-1",
    "timestamp": 1700000000123,
    "data": json.dumps({"email": "ada@example.com"}),
}
RECORD = {
    "order_id": f"o-{how}",
    "number": 2**62,
    "placed_at": PLACED_AT,
    "status": "PAID",
    "total": decimal.Decimal("12.30"),
    "lines": [{"sku": "apple", "count": 2}],
    "note": "gift",
}


def latest(topic):
    """The id and the schema that are registered for the values of a topic."""
    with urllib.request.urlopen(f"{registry_url}/subjects/{topic}-value/versions/latest") as answer:
        found = json.load(answer)
    return found["id"], fastavro.parse_schema(json.loads(found["schema"]))


def by_id(schema_id):
    with urllib.request.urlopen(f"{registry_url}/schemas/ids/{schema_id}") as answer:
        return fastavro.parse_schema(json.loads(json.load(answer)["schema"]))


def encode(topic, value):
    if how == "fastavro":
        schema_id, schema = latest(topic)
        buffer = io.BytesIO(struct.pack(">bI", 0, schema_id))
        buffer.seek(5)
        fastavro.schemaless_writer(buffer, schema, value)
        return buffer.getvalue()
    settings = {"auto.register.schemas": False, "use.latest.version": True}
    serializer = AvroSerializer(SchemaRegistryClient({"url": registry_url}), conf=settings)
    return serializer(value, SerializationContext(topic, MessageField.VALUE))


def decode(topic, value):
    if how == "fastavro":
        magic, schema_id = struct.unpack(">bI", value[:5])
        assert magic == 0, magic
        return fastavro.schemaless_reader(io.BytesIO(value[5:]), by_id(schema_id), None)
    deserializer = AvroDeserializer(SchemaRegistryClient({"url": registry_url}))
    return deserializer(value, SerializationContext(topic, MessageField.VALUE))


def write():
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce(events_topic, key="u-1", value=encode(events_topic, EVENT))
    producer.produce(records_topic, key=RECORD["order_id"], value=encode(records_topic, RECORD))
    if producer.flush(30) != 0:
        raise SystemExit("not everything was written")


def plain(value):
    if isinstance(value, datetime.datetime):
        return round(value.timestamp() * 1000)
    if isinstance(value, decimal.Decimal):
        return str(value)
    raise TypeError(type(value))


def read():
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": f"python-{how}-{records_topic}", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([events_topic, records_topic])
    found = {}
    while len(found) < 2:
        message = consumer.poll(30)
        if message is None or message.error():
            raise SystemExit(f"nothing arrived: {message and message.error()}")
        name = "event" if message.topic() == events_topic else "record"
        key = message.key() and message.key().decode()
        found.setdefault(name, {"key": key, "value": decode(message.topic(), message.value())})
    consumer.close()
    print(json.dumps(found, default=plain))


write() if action == "write" else read()
