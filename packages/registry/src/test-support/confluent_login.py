# Logs in with Confluent's registry client in the ways that its arguments name, and prints what each was answered, as JSON.
import json
import sys

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError


def tried(call):
    try:
        return call()
    except SchemaRegistryError as error:
        return [error.http_status_code, error.error_code]


answers = {}
for name, settings in json.loads(sys.argv[1]).items():
    client = SchemaRegistryClient(settings)
    answers[name] = [
        tried(client.get_subjects),
        tried(lambda: client.register_schema("pay.python", Schema('"int"', "AVRO")) > 0),
        tried(lambda: client.delete_subject("pay.python")),
    ]
print(json.dumps(answers))
