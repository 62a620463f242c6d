"""Recall at 1, 5 and 10 in both directions in PyTorch, by counting ranks over blocks of one product: the lean way.

Reads what `test/bench/retrieval-embeddings.ts` wrote. Prints one line of JSON: seconds (median of 3), peak memory, recalls, version.

    python retrieval_ranks.py embeddings.bin IMAGES PER_IMAGE DIM --threads 2
"""

import argparse
import json
import resource
import statistics
import time

import torch

arguments = argparse.ArgumentParser()
arguments.add_argument("file")
for name in ["images", "per_image", "dim"]:
    arguments.add_argument(name, type=int)
arguments.add_argument("--threads", type=int, required=True)
a = arguments.parse_args()
torch.set_num_threads(a.threads)
count = a.images * a.per_image
data = torch.from_file(a.file, size=(a.images + count) * a.dim, dtype=torch.float32).view(-1, a.dim)
images, texts = data[: a.images].clone(), data[a.images :].clone()
owner = torch.arange(count) // a.per_image


def recalls(block=1024):
    own = (texts * images[owner]).sum(1)
    best = torch.full((a.images,), -2.0).scatter_reduce_(0, owner, own, "amax")
    text_ranks, image_ranks = torch.zeros(count, dtype=torch.long), torch.zeros(a.images, dtype=torch.long)
    for start in range(0, count, block):
        rows = slice(start, start + block)
        scores = texts[rows] @ images.T
        scores[torch.arange(len(scores)), owner[rows]] = own[rows]
        text_ranks[rows] = (scores > own[rows, None]).sum(1)
        image_ranks += (scores > best).sum(0)
    return {
        name: [(ranks < k).float().mean().item() for k in [1, 5, 10]]
        for name, ranks in [("imageToText", image_ranks), ("textToImage", text_ranks)]
    }


times = []
for _ in range(3):
    began = time.perf_counter()
    found = recalls()
    times.append(time.perf_counter() - began)
print(
    json.dumps(
        {
            "seconds": statistics.median(times),
            "peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "version": f"PyTorch {torch.__version__}",
            **found,
        }
    )
)
