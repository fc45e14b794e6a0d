# The life of a subject, through Confluent's registry client and Avro serializer: prints what each call answered, as JSON.
import json
import sys

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

FIRST = '{"type":"record","name":"A","fields":[{"name":"x","type":"int"}]}'
SECOND = '{"type":"record","name":"A","fields":[{"name":"x","type":"int"},{"name":"y","type":"int","default":0}]}'


def refusal(call):
    try:
        return call()
    except SchemaRegistryError as error:
        return [error.http_status_code, error.error_code]


def main(url):
    client = SchemaRegistryClient({"url": url})
    subject = "python-value"
    first = client.register_schema(subject, Schema(FIRST, "AVRO"))
    second = client.register_schema(subject, Schema(SECOND, "AVRO"))
    found = client.lookup_schema(subject, Schema(FIRST, "AVRO"))
    context = SerializationContext("python", MessageField.VALUE)
    written = AvroSerializer(client, SECOND)({"x": 1, "y": 2}, context)
    answers = {
        "found": [found.subject, found.version, found.schema_id == first],
        "versions": client.get_versions(subject),
        "latest": [client.get_latest_version(subject).version, client.get_version(subject, 1).schema_id == first],
        "text": client.get_schema(second).schema_str,
        "compatible": [client.test_compatibility(subject, Schema(text, "AVRO")) for text in (FIRST, '"int"')],
        "invalid": refusal(lambda: client.register_schema(subject, Schema("{", "AVRO"))),
        "missing version": refusal(lambda: client.get_version(subject, 9)),
        "missing subject": refusal(lambda: client.get_latest_version("nowhere")),
        "not soft-deleted": refusal(lambda: client.delete_subject(subject, permanent=True)),
        "level": [client.set_compatibility(subject, "FULL"), client.get_compatibility(subject)],
        "contexts": client.get_contexts(),
        "frame": [written[0], int.from_bytes(written[1:5], "big") == second],
        "value": AvroDeserializer(client)(written, context),
        "deleted": [client.delete_version(subject, 1), client.delete_subject(subject)],
        "gone": refusal(lambda: client.get_versions(subject)),
        "deleted for good": client.delete_subject(subject, permanent=True),
    }
    print(json.dumps(answers))


main(sys.argv[1])
