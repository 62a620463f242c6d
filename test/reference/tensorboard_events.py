"""Events files as TensorBoard's own writer makes them, in tensorboard.json: values for pipeline/run/tensorboard.ts.

Made with tensorboard 2.21.0 (protobuf 7.36.2): python test/reference/tensorboard_events.py
"""

import base64
import io
import json
import os

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

cases = [
    {"seconds": 1764100000.25, "step": 1, "values": {"loss": 5.5}},
    {"seconds": 1764100001.5, "step": 127, "values": {"loss": 0.0, "learning_rate": 1e-3}},
    {"seconds": 1764100002.75, "step": 128, "values": {"loss": float("inf"), "été": -2.5}},
    {"seconds": 1764100003.0, "step": 3_000_000_000, "values": {f"figure_{i}": i / 7 for i in range(40)}},
]

out = io.BytesIO()
out.close = lambda: None
writer = RecordWriter(out)
version = event_pb2.Event(wall_time=1764100000.0, file_version="brain.Event:2")
writer.write(version.SerializeToString())
for case in cases:
    summary = summary_pb2.Summary()
    for tag, value in case["values"].items():
        summary.value.add(tag=tag, simple_value=value)
    event = event_pb2.Event(wall_time=case["seconds"], step=case["step"], summary=summary)
    writer.write(event.SerializeToString())

for case in cases:
    case["values"] = {tag: str(value) for tag, value in case["values"].items()}
path = os.path.join(os.path.dirname(__file__), "tensorboard.json")
with open(path, "w") as file:
    json.dump({"version": 1764100000.0, "cases": cases, "bytes": base64.b64encode(out.getvalue()).decode()}, file, indent=1)
    file.write("\n")
