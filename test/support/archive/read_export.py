# Reads exported files with pyarrow, fastavro or Python's json, and prints their records in one form.
#
#   read_export.py <file> …
import base64
import datetime
import json
import sys

import fastavro
import pyarrow.parquet as pq


def hexed(value):
    return None if value is None else value.hex()


def ms(value):
    if isinstance(value, datetime.datetime):
        epoch = datetime.datetime(1970, 1, 1, tzinfo=value.tzinfo)
        return (value - epoch) // datetime.timedelta(milliseconds=1)
    return value


def rows(path):
    if path.endswith(".parquet"):
        yield from pq.read_table(path).to_pylist()
    elif path.endswith(".avro"):
        with open(path, "rb") as file:
            yield from fastavro.reader(file)
    else:
        decode = lambda text: None if text is None else base64.b64decode(text)
        with open(path) as file:
            for line in file:
                row = json.loads(line)
                row["offset"] = int(row["offset"])
                row["key"], row["value"] = decode(row["key"]), decode(row["value"])
                for header in row["headers"]:
                    header["key_bytes"], header["value"] = decode(header["key_bytes"]), decode(header["value"])
                yield row


print(
    json.dumps(
        [
            {
                **row,
                "offset": str(row["offset"]),
                "timestamp": ms(row["timestamp"]),
                "key": hexed(row["key"]),
                "value": hexed(row["value"]),
                "headers": [[one["key"], hexed(one["key_bytes"]), hexed(one["value"])] for one in row["headers"]],
            }
            for path in sys.argv[1:]
            for row in rows(path)
        ]
    )
)
