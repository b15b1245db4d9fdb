"""The reference for ingesting activations: py-lmdb, pickle and numpy read, pyarrow writes Parquet with zstd.

Answers a JSON line {"store", "out"} with {"seconds", "cpu", "rows"}; the same rows as Runlake's table, in store order.
"""
import json
import pickle
import sys
import time

import lmdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch_pickle  # noqa: F401  registers what the pickles refer to

# 64 MiB of float32 a row group flush, as much as Runlake collects for a file.
FLUSH_BYTES = 64 << 20


def convert(store, out):
    environment = lmdb.open(store, readonly=True, lock=False, readahead=False)
    text = ["activation_key", "model_id", "site", "token_selector", "segment", "dtype"]
    fields = [(name, pa.string()) for name in text]
    fields += [("layer", pa.int32()), ("token_index", pa.int32()), ("dim", pa.int32()), ("norm", pa.float64())]
    schema = pa.schema([*fields, ("vector", pa.list_(pa.float32()))])
    rows = 0
    pending, pending_bytes = [], 0
    with pq.ParquetWriter(out, schema, compression="zstd", compression_level=1, use_dictionary=text) as writer:

        def flush():
            nonlocal pending, pending_bytes
            if pending:
                writer.write_table(pa.Table.from_batches(pending, schema), row_group_size=2048)
            pending, pending_bytes = [], 0

        with environment.begin() as transaction:
            for key, value in transaction.cursor():
                entry = pickle.loads(value)["data"]
                for layer, tensor in enumerate(entry["all_layers_activations"]):
                    if tensor is None:
                        continue
                    vectors = tensor[0].astype(np.float32)
                    tokens, dim = vectors.shape
                    norm = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
                    offsets = np.arange(0, (tokens + 1) * dim, dim, dtype=np.int32)
                    constant = lambda text: pa.repeat(pa.scalar(text, pa.string()), tokens)  # noqa: E731
                    columns = [
                        constant(key.decode()),
                        constant(entry["model"]),
                        constant("resid_post"),
                        constant("all"),
                        constant("response"),
                        constant(str(tensor.dtype)),
                        pa.array(np.full(tokens, layer, np.int32)),
                        pa.array(np.arange(tokens, dtype=np.int32)),
                        pa.array(np.full(tokens, dim, np.int32)),
                        pa.array(norm),
                        pa.ListArray.from_arrays(offsets, vectors.ravel()),
                    ]
                    pending.append(pa.record_batch(columns, schema=schema))
                    pending_bytes += vectors.nbytes
                    rows += tokens
                if pending_bytes >= FLUSH_BYTES:
                    flush()
        flush()
    environment.close()
    return rows


for line in sys.stdin:
    request = json.loads(line)
    started, cpu = time.perf_counter(), time.process_time()
    count = convert(request["store"], request["out"])
    took = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}
    print(json.dumps({**took, "rows": count}), flush=True)
