"""Writes a Parquet file as pyarrow does it by itself: 6,000 images of 100 KB of random bytes (600 MB), or 60,000 embeddings of 768
numbers (184 MB), in row groups of so many rows. Needs pyarrow.

    python write_foreign.py images|embeddings ROWS FILE
"""

import array
import random
import sys

import pyarrow as pa
import pyarrow.parquet as pq

kind, rows, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
rng = random.Random(1)


def images(count):
    return pa.table({"id": pa.array(range(count), pa.int64()), "image": pa.array([rng.randbytes(100_000) for _ in range(count)], pa.binary())})


def embeddings(count):
    some = pa.array(array.array("f", [rng.random() for _ in range(768 * 1000)]), pa.float32())
    values = pa.concat_arrays([some] * (count // 1000))
    offsets = pa.array(range(0, 768 * count + 1, 768), pa.int32())
    return pa.table({"id": pa.array(range(count), pa.int64()), "embedding": pa.ListArray.from_arrays(offsets, values)})


make, total = {"images": (images, 6000), "embeddings": (embeddings, 60_000)}[kind]
with pq.ParquetWriter(path, make(0 if kind == "images" else 1000).schema) as writer:
    for _ in range(total // rows):
        writer.write_table(make(rows), row_group_size=rows)
