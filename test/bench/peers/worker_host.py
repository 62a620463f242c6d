"""A program that has a stage of alignflow do its work: 400 MB of images in batches of 2 MB go into `alignflow worker`, and what comes
back is read slowly. Prints what came back and the most memory that the worker had resident, as JSON. Needs pyarrow.

    python worker_host.py MILLISECONDS COMMAND...
"""

import json
import resource
import subprocess
import sys
import threading
import time

import pyarrow as pa

BATCHES, ROWS, IMAGE = 200, 20, 100_000

schema = pa.schema([("image", pa.binary()), ("caption", pa.string())])


def write(pipe):
    with pa.ipc.new_stream(pipe, schema) as writer:
        for i in range(BATCHES):
            images = [bytes([i, j]) * (IMAGE // 2) for j in range(ROWS)]
            captions = ["two words" if j % 4 else "one" for j in range(ROWS)]  # One in four is too short.
            writer.write_batch(pa.record_batch([images, captions], schema=schema))
    pipe.close()


delay, *command = sys.argv[1:]
worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
threading.Thread(target=write, args=(worker.stdin,)).start()
batches = rows = 0
for batch in pa.ipc.open_stream(worker.stdout):
    batches += 1
    rows += batch.num_rows
    time.sleep(float(delay) / 1000)
code = worker.wait()
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
print(json.dumps({"code": code, "batches": batches, "rows": rows, "peakBytes": peak}))
