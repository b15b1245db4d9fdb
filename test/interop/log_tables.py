"""Reads, makes and extends Delta tables with delta-rs, pyarrow and polars.

Standard input has a line of JSON a request: [command, table]. Each is answered by a line of JSON: {"result"} or {"error"}.
"""

import json
import os
import sys
import traceback

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, QueryBuilder, write_deltalake


def plain(value):
    """A value as JSON text that keeps NaN, every digit and microseconds."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (str, bool)):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return repr(value)


def rows(table):
    table = table.sort_by("id") if "id" in table.column_names else table
    return [[plain(value) for value in row.values()] for row in table.to_pylist()]


def read(path):
    table = DeltaTable(path)
    order = [field.name for field in table.schema().fields]
    live = [uri.removeprefix("file://") for uri in table.file_uris()]
    frames = [pl.read_parquet(file, hive_partitioning=False) for file in live]
    polars = pl.concat(frames, how="diagonal").sort("id").select(order).to_arrow()
    arrow = pa.concat_tables([pq.read_table(file, partitioning=None) for file in live], promote_options="default")
    conditions = {
        "n": "n = 9007199254740995",
        "id": "id > '00003'",
        "day": "day <= DATE '2026-01-02'",
        "seen": "seen >= TIMESTAMP '2026-01-01T00:00:04.123456Z'",
        "x": "x >= 0.5",
        "b": "b",
    }
    lazy = {
        "n": pl.col("n") == 9007199254740995,
        "id": pl.col("id") > "00003",
        "day": pl.col("day") <= pl.date(2026, 1, 2),
        "seen": pl.col("seen") >= pl.datetime(2026, 1, 1, 0, 0, 4, 123456, time_zone="UTC"),
        "x": pl.col("x") >= 0.5,
        "b": pl.col("b"),
    }
    datafusion = QueryBuilder().register("t", table)
    counts = lambda reader: pa.table(reader).column(0).to_pylist()[0]
    return {
        "version": table.version(),
        "name": table.metadata().name,
        "description": table.metadata().description,
        "types": [field.type.to_json() for field in table.schema().fields],
        "deltalake": rows(table.to_pyarrow_table()),
        "polars": rows(polars),
        "pyarrow": rows(arrow.select(order)),
        "scan_delta": rows(pl.scan_delta(path).collect().select(order).to_arrow()),
        "filtered_datafusion": {name: counts(datafusion.execute(f"SELECT count(*) FROM t WHERE {c}")) for name, c in conditions.items()},
        "filtered_polars": {name: pl.scan_delta(path).filter(c).collect().height for name, c in lazy.items()},
        "version1": rows(DeltaTable(path, version=1).to_pyarrow_table()),
        "operations": [entry.get("operation") for entry in table.history()],
        "transaction": table.transaction_version("ingest"),
    }


def make(path):
    hooks = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
    for i in range(3):
        data = pa.table({
            "id": [f"{i}{j}" for j in range(3)],
            "n": pa.array([2**53 + i * 10 + j for j in range(3)], pa.int64()),
            "seen": pa.array([1_767_225_600_123_456 + i * 1_000_000] * 3, pa.timestamp("us", "UTC")),
            "words": [["a", "b"]] * 3,
        })
        commit = CommitProperties(custom_metadata={"by": "test"})
        write_deltalake(path, data, mode="append", post_commithook_properties=hooks, commit_properties=commit)
    table = DeltaTable(path)
    table.delete("id = '10'", post_commithook_properties=hooks)
    table.create_checkpoint()
    table = DeltaTable(path)
    write_deltalake(table, pa.table({"id": ["9"], "n": pa.array([9], pa.int64()), "seen": pa.array([0], pa.timestamp("us", "UTC")), "words": [["c"]]}),
                    mode="append", post_commithook_properties=hooks)
    table = DeltaTable(path)
    return {"version": table.version(), "files": sorted(os.path.basename(uri) for uri in table.file_uris()),
            "rows": rows(table.to_pyarrow_table()), "rows0": rows(DeltaTable(path, version=0).to_pyarrow_table())}


def append(path):
    table = DeltaTable(path)
    data = table.to_pyarrow_table().slice(0, 1)
    data = data.set_column(0, data.schema.field(0), pa.array(["delta-rs"]).cast(data.schema.field(0).type))
    write_deltalake(table, data, mode="append")
    return {"version": DeltaTable(path).version()}


def ids(path):
    return DeltaTable(path).to_pyarrow_table().sort_by("id").column("id").to_pylist()


commands = {"read": read, "make": make, "append": append, "ids": ids}
for line in sys.stdin:
    command, table = json.loads(line)
    try:
        answer = {"result": commands[command](table)}
    except Exception:
        answer = {"error": traceback.format_exc()}
    print(json.dumps(answer), flush=True)
# The threads of delta-rs and of pyarrow sometimes abort an interpreter that shuts down while they still run.
os._exit(0)
