"""Writes an LMDB activation store for the examples of a generations.jsonl, as the HalluLens logger does.

usage: write_lmdb.py GENERATIONS STORE LAYERS TOKENS HIDDEN
"""
import json
import pickle
import sys

import lmdb
import numpy as np
from torch_pickle import Tensor


def main():
    generations, store, layers, tokens, hidden = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
    with open(generations, encoding="utf-8") as file:
        examples = [json.loads(line) for line in file]
    # Activations are noise to a compressor; a pool of it, cut at random places, is as good as fresh noise.
    rng = np.random.default_rng(0)
    size = tokens * hidden
    pool = rng.standard_normal(max(1 << 24, 4 * size), np.float32).astype(np.float16)
    total = len(examples) * layers * size * 2
    options = {"map_size": int(total * 1.5) + (1 << 28), "sync": False}
    data = lmdb.open(store, **options)
    metadata = lmdb.open(f"{store}_metadata", **{**options, "map_size": 1 << 30})
    for start in range(0, len(examples), 32):
        with data.begin(write=True) as values, metadata.begin(write=True) as infos:
            for example in examples[start : start + 32]:
                key = example["activation_key"].encode()
                entry = {
                    "prompt": example["prompt"],
                    "response": example["response"],
                    "input_length": len(example["prompt"].split()),
                    "model": example["model_id"],
                    "trim_position": None,
                    "prompt_hash": example["activation_key"],
                    "multi_sample": False,
                    "sample_group_id": example["activation_key"],
                    "sample_index": None,
                    "request_id": None,
                }
                compression = {"compression": "none"}
                info = {
                    **entry,
                    "logging_config": {"target_layers": "all", "sequence_mode": "response"},
                    "timestamp": 1768467600.0,
                    "has_activations": True,
                    "compression_metadata": compression,
                }
                infos.put(key, pickle.dumps(info, 4))
                offsets = rng.integers(0, len(pool) - size, layers)
                tensors = [Tensor(pool[o : o + size].reshape(1, tokens, hidden)) for o in offsets]
                value = {"data": {**entry, "all_layers_activations": tensors}, "metadata": compression}
                values.put(key, pickle.dumps(value, 4))
    for environment in (data, metadata):
        environment.sync(True)
        environment.close()


main()
