# Writes files as an S3 sink connector does, by libraries that are not ours: fastavro and pyarrow. Prints what it wrote, as JSON.
#
#   make_archive.py <folder>
import json
import os
import sys

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

root = sys.argv[1]


def path(topic, partition, offset, extension, folder=None):
    folder = os.path.join(root, "topics", topic, folder or f"partition={partition}")
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, f"{topic}+{partition}+{offset:010d}{extension}")


def avro(name, schema, records, codec="null", sync_interval=400):
    with open(name, "wb") as file:
        fastavro.writer(file, fastavro.parse_schema(schema), records, codec=codec, sync_interval=sync_interval)


user = {
    "type": "record",
    "name": "User",
    "namespace": "com.example",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "name", "type": ["null", "string"], "default": None},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "scores", "type": {"type": "map", "values": "double"}},
        {"name": "raw", "type": "bytes"},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    ],
}
# A later version of the schema, for which the sink begins a new file.
wider = {**user, "fields": user["fields"] + [{"name": "country", "type": "string", "default": "de"}]}


def record(number, extra=None):
    return {
        "id": number if number % 7 else 2**60 + number,
        "name": None if number % 5 == 0 else f"näme {number}",
        "tags": [f"t{at}" for at in range(number % 3)],
        "scores": {"a": number / 4},
        "raw": bytes([number % 256, 0, 255]),
        "kind": "AB"[number % 2],
        "at": 1704067200000 + number * 1000,
        **(extra or {}),
    }


written = {}
codecs = ["null", "deflate", "snappy", "zstandard"]
users = []
for at, codec in enumerate(codecs):
    some = [record(at * 50 + number) for number in range(50)]
    avro(path("user.events", 0, at * 50, ".avro"), user, some, codec)
    avro(path("user.events", 0, at * 50, ".keys.avro"), "string", [f"key {one['id']}" for one in some], codec)
    headers = {
        "type": "array",
        "items": {
            "type": "record",
            "name": "Header",
            "fields": [{"name": "key", "type": "string"}, {"name": "value", "type": ["null", "string"]}],
        },
    }
    own = [[{"key": "n", "value": str(one["id"])}, {"key": "n", "value": None}] for one in some]
    avro(path("user.events", 0, at * 50, ".headers.avro"), headers, own, codec)
    users += some
some = [record(200 + number, {"country": "fr"}) for number in range(10)]
avro(path("user.events", 0, 200, ".avro"), wider, some)
avro(path("user.events", 0, 200, ".keys.avro"), "string", [f"key {one['id']}" for one in some])
users += some
written["user.events"] = [{**one, "id": str(one["id"]), "raw": one["raw"].hex()} for one in users]

# The same records as Parquet: with the Avro schema in the footer, as a sink writes it, and without.
table = pa.Table.from_pylist(
    [record(number) for number in range(1000)],
    schema=pa.schema(
        [
            pa.field("id", pa.int64(), nullable=False),
            pa.field("name", pa.string()),
            pa.field("tags", pa.list_(pa.string()), nullable=False),
            pa.field("scores", pa.map_(pa.string(), pa.float64()), nullable=False),
            pa.field("raw", pa.binary(), nullable=False),
            pa.field("kind", pa.string(), nullable=False),
            pa.field("at", pa.timestamp("ms"), nullable=False),
        ]
    ),
)
for topic, metadata, codec in [
    ("parquet.avro", {"parquet.avro.schema": json.dumps(user)}, "snappy"),
    ("parquet.plain", {}, "gzip"),
    ("parquet.zstd", {}, "zstd"),
]:
    extension = {"snappy": ".snappy.parquet", "gzip": ".gz.parquet", "zstd": ".zstd.parquet"}[codec]
    own = table.replace_schema_metadata({**(table.schema.metadata or {}), **metadata})
    pq.write_table(own, path(topic, 0, 0, extension), compression=codec, row_group_size=300)
written["parquet"] = [
    {**one, "id": str(one["id"]), "raw": one["raw"].hex()} for one in (record(number) for number in range(1000))
]
print(json.dumps(written))
