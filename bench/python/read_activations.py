"""The reference for reading activations: pyarrow on the lake's own Parquet files.

Answers a JSON line {"how", "files", "keys", "layer", "token"} with {"seconds", "rows", "sum"}. `read_table` opens the files each
time, `dataset` keeps them open with their footers parsed.
"""
import json
import sys
import time

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

datasets = {}


def read(request):
    condition = (
        pc.field("activation_key").isin(request["keys"])
        & (pc.field("layer") == request["layer"])
        & (pc.field("token_index") == request["token"])
    )
    columns = ["activation_key", "vector"]
    files = request["files"]
    if request["how"] == "read_table":
        return pq.read_table(files, columns=columns, filters=condition)
    known = datasets.get(files[0])
    if known is None:
        known = datasets[files[0]] = ds.dataset(files, format="parquet")
        for fragment in known.get_fragments():
            fragment.ensure_complete_metadata()
    return known.to_table(columns=columns, filter=condition)


pa.set_cpu_count(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
for line in sys.stdin:
    request = json.loads(line)
    started = time.perf_counter()
    table = read(request)
    # Into Python's hands, as the lake's answer is in JavaScript's.
    values = table["vector"].combine_chunks().flatten().to_numpy()
    took = time.perf_counter() - started
    print(json.dumps({"seconds": took, "rows": table.num_rows, "sum": float(values.sum(dtype="f8"))}), flush=True)
