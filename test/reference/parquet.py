"""Parquet files that pyarrow wrote and their values, for test/operators/sources/parquet.test.ts; and the check that pyarrow
reads what sink/parquet wrote (test/reference/parquet/written.parquet, which test/operators/sinks/parquet.test.ts compares
byte by byte with what it writes).

Run in this folder: python parquet.py
Made with: Python 3.11.7, pyarrow 26.0.1
"""
import datetime
import decimal
import json
import platform

import pyarrow as pa
import pyarrow.parquet as pq

print(f"Python {platform.python_version()}, pyarrow {pa.__version__}")
N = 25
some = lambda i, value: None if i % 5 == 3 else value

columns = {
    "bool": pa.array([some(i, i % 3 == 0) for i in range(N)]),
    "int8": pa.array([some(i, i - 12) for i in range(N)], pa.int8()),
    "uint16": pa.array([i * 2600 for i in range(N)], pa.uint16()),
    "int32": pa.array([some(i, -i * 80_000_000) for i in range(N)], pa.int32()),
    "int64": pa.array([2**60 + i for i in range(N)], pa.int64()),
    "float": pa.array([some(i, i / 8) for i in range(N)], pa.float32()),
    "double": pa.array([i / 3 for i in range(N)], pa.float64()),
    "text": pa.array([some(i, f"row {i}: été 犬 🚀") for i in range(N)]),
    "large_text": pa.array([some(i, "x" * i) for i in range(N)], pa.large_string()),
    "view_text": pa.array([some(i, f"{i} " * (i % 9)) for i in range(N)], pa.string_view()),
    "category": pa.array([some(i, "abc"[i % 3]) for i in range(N)]).dictionary_encode(),
    "binary": pa.array([some(i, bytes([i]) * (i % 4)) for i in range(N)]),
    "large_binary": pa.array([bytes([i, 255]) for i in range(N)], pa.large_binary()),
    "fixed": pa.array([some(i, bytes([i] * 6)) for i in range(N)], pa.binary(6)),
    "tokens": pa.array([some(i, list(range(i % 4))) for i in range(N)], pa.list_(pa.int32())),
    "large_list": pa.array([some(i, [str(i)] * (i % 3)) for i in range(N)], pa.large_list(pa.large_string())),
    "nested": pa.array([[["a"], [None, str(i)], []][: i % 4] for i in range(N)], pa.list_(pa.list_(pa.string()))),
    "vector": pa.array([[i, i + 0.5] for i in range(N)], pa.list_(pa.float32(), 2)),
    "image": pa.array(
        [some(i, {"height": i, "width": 2, "pixels": bytes([i])}) for i in range(N)],
        pa.struct({"height": pa.int32(), "width": pa.int32(), "pixels": pa.binary()}),
    ),
    "time": pa.array([some(i, datetime.datetime(2024, 1, 1 + i)) for i in range(N)], pa.timestamp("ms", "UTC")),
    "decimal": pa.array([decimal.Decimal(i) / 4 for i in range(N)], pa.decimal128(9, 2)),
    "nothing": pa.nulls(N),
}
schema = pa.schema(
    [
        pa.field(name, array.type, metadata={"alignflow.shape": "1,2,3"} if name == "fixed" else None)
        for name, array in columns.items()
    ],
    metadata={"made": "by pyarrow"},
)
table = pa.table(list(columns.values()), schema=schema)
for compression in ["zstd", "snappy", "gzip", "none"]:
    pq.write_table(table, f"parquet/{compression}.parquet", compression=compression, row_group_size=10)
# One row group of many pages, of three rows each; the dictionaries of some columns are given up on the way.
for version in ["1.0", "2.0"]:
    pq.write_table(
        table,
        f"parquet/many-pages-v{version[0]}.parquet",
        compression="zstd",
        data_page_version=version,
        data_page_size=1,
        write_batch_size=3,
        dictionary_pagesize_limit=60,
    )
# The other form of pages, other encodings, no dictionaries.
pq.write_table(
    table.select(["int32", "text", "double"]),
    "parquet/pages-v2.parquet",
    data_page_version="2.0",
    use_dictionary=False,
    column_encoding={"int32": "DELTA_BINARY_PACKED", "text": "DELTA_BYTE_ARRAY", "double": "BYTE_STREAM_SPLIT"},
)


def plain(value):
    """What the test makes of a value: bytes as hexadecimal, large numbers and times as text or milliseconds."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, datetime.datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, decimal.Decimal):
        return int(value * 100)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return str(value)
    return value


json.dump({name: [plain(v) for v in table[name].to_pylist()] for name in columns}, open("parquet/values.json", "w"))

# Row groups without rows: pyarrow says of their data that it begins at 0.
few = pa.table({"caption": ["a", "b", "c"], "score": [0.5, None, 1.5]})
with pq.ParquetWriter("parquet/empty-groups.parquet", few.schema) as writer:
    for part in [few.slice(0, 0), few, few.slice(0, 0), few.slice(0, 2)]:
        writer.write_table(part)
assert pq.ParquetFile("parquet/empty-groups.parquet").metadata.num_row_groups == 4

# What sink/parquet wrote.
ours = pq.ParquetFile("parquet/written.parquet")
meta = ours.metadata
assert [meta.row_group(i).num_rows for i in range(meta.num_row_groups)] == [8, 8, 4], meta
assert {meta.row_group(i).column(c).compression for i in range(3) for c in range(meta.num_columns)} == {"ZSTD"}
read = ours.read()
assert read.schema.field("pixels").metadata == {b"alignflow.shape": b"1,2,3"}, read.schema
assert read.schema.field("pixels").type == pa.binary(6)
assert ours.schema_arrow.metadata == {b"made": b"by alignflow"}, ours.schema_arrow.metadata
read.validate(full=True)
M = 20
assert read.to_pydict() == {
    "caption": [None if i % 4 == 1 else f"caption {i} 犬" for i in range(M)],
    "image": [None if i % 4 == 2 else bytes([i]) * i for i in range(M)],
    "pixels": [bytes([i] * 6) for i in range(M)],
    "tokens": [None if i % 4 == 3 else list(range(i)) for i in range(M)],
    "score": [i / 7 for i in range(M)],
    "id": [2**60 + i for i in range(M)],
}
print("pyarrow reads what sink/parquet wrote")
