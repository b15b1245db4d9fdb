"""The references for neighbours by cosine: brute force in numpy and in faiss (IndexFlatIP), on the lake's own Parquet files.

Answers a JSON line {"how", "files", "key", "k"} with {"seconds", "keys"}. `parquet` reads the vectors and their norms for every request, as a
process that starts from the bucket must; `memory` and `faiss` search what a first request loaded, normalised. The first argument is the
number of threads.
"""
import json
import sys
import time

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

threads = int(sys.argv[1])
pa.set_cpu_count(threads)
faiss.omp_set_num_threads(threads)
held = {}


def read(files):
    """Keys, norms, and the vectors in the pieces in which they come, so that none is copied."""
    table = pq.read_table(files, columns=["activation_key", "norm", "vector"])
    pieces = [chunk.flatten().to_numpy().reshape(len(chunk), -1) for chunk in table["vector"].chunks if len(chunk)]
    return table["activation_key"].to_numpy(), table["norm"].to_numpy(), pieces


def load(files):
    if not held:
        keys, norms, pieces = read(files)
        unit = np.concatenate(pieces) / norms.astype(np.float32)[:, None]
        index = faiss.IndexFlatIP(unit.shape[1])
        index.add(unit)
        held.update(keys=keys, unit=unit, index=index)
    return held


def best(cosines, keys, own, k):
    cosines[own] = -2
    top = np.argpartition(cosines, -k)[-k:]
    return keys[top[np.argsort(-cosines[top])]].tolist()


def search(how, files, key, k):
    if how == "parquet":
        keys, norms, pieces = read(files)
        own = int(np.flatnonzero(keys == key)[0])
        ends = np.cumsum([len(piece) for piece in pieces])
        piece = int(np.searchsorted(ends, own, side="right"))
        vector = pieces[piece][own - ends[piece]]
        cosines = np.concatenate([piece @ vector for piece in pieces]) / (norms * norms[own])
        return best(cosines, keys, own, k)
    keys, unit, index = (held[name] for name in ("keys", "unit", "index"))
    own = int(np.flatnonzero(keys == key)[0])
    if how == "memory":
        return best(unit @ unit[own], keys, own, k)
    found = index.search(unit[own : own + 1], k + 1)[1][0]
    return [keys[i] for i in found if i != own][:k]


with threadpool_limits(threads):
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["how"] != "parquet":
            load(asked["files"])
        started = time.perf_counter()
        keys = search(asked["how"], asked["files"], asked["key"], asked["k"])
        print(json.dumps({"seconds": time.perf_counter() - started, "keys": keys}), flush=True)
