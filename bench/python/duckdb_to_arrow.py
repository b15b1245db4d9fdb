"""Answers {"sql"} with the seconds that DuckDB takes to hand its rows to pyarrow."""

import json
import sys
import time

import duckdb

connection = duckdb.connect(config={"threads": sys.argv[1]})
# It would be printed by whatever takes two seconds.
connection.execute("SET enable_progress_bar = false")
for line in sys.stdin:
    started = time.perf_counter()
    table = connection.execute(json.loads(line)["sql"]).to_arrow_table()
    print(json.dumps({"seconds": time.perf_counter() - started, "rows": table.num_rows}), flush=True)
