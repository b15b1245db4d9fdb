"""The reference for principal components: scikit-learn on the lake's own Parquet files.

Answers a JSON line {"solver", "files", "below", "k"} with {"read", "fit", "ratios"}: seconds of reading the activations whose key is below a bound with pyarrow,
seconds of `PCA(k, svd_solver=solver).fit_transform`, and the explained variance ratios. `arpack` gets doubles, the others the float32 that
are stored. The first argument is the number of threads.
"""
import json
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

threads = int(sys.argv[1])
pa.set_cpu_count(threads)
with threadpool_limits(threads):
    for line in sys.stdin:
        asked = json.loads(line)
        started = time.perf_counter()
        condition = pc.field("activation_key") < asked["below"]
        table = pq.read_table(asked["files"], columns=["vector"], filters=condition).combine_chunks()
        vectors = table["vector"].chunk(0).flatten().to_numpy().reshape(table.num_rows, -1)
        read = time.perf_counter() - started
        if asked["solver"] == "arpack":
            vectors = vectors.astype(np.float64)
        pca = PCA(asked["k"], svd_solver=asked["solver"], random_state=0)
        pca.fit_transform(vectors)
        fit = time.perf_counter() - started - read
        print(json.dumps({"read": read, "fit": fit, "ratios": pca.explained_variance_ratio_.tolist()}), flush=True)
