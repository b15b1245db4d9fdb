"""Asks every door of a lake the same questions and prints, as JSON, where the answers differ.

Usage: doors.py SPECIFICATION. The specification is a JSON file:
{"origin": URL of the server, "port": of the PostgreSQL door, "database": views.duckdb, "script": views.sql,
 "statements": [SQL], "typed": [{"field", "table", "selection", "columns": {response key: [column, kind]}}],
 "rows": [{"rows": an ExportRows, "sql": the same as SQL, "ordered": whether in this order}]}

What DuckDB answers over views.duckdb is what the others are compared with, in one canonical form of a value."""

import decimal
import io
import json
import os
import re
import struct
import sys
import urllib.error
import urllib.parse
import urllib.request

import duckdb
import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg.adapt import Loader

EPOCH_DAYS = 10_957  # from 1970, where everybody else counts from, to 2000, where PostgreSQL does
DAY = 86_400_000_000
INFINITY = 2**63 - 1


# The canonical form: what a value is, whatever a door made of it.

MOMENT = re.compile(r"([+-]?\d+)-(\d\d)-(\d\d)( \(BC\))?(?:[T ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?)?(?:Z|\+00)?( BC)?")


def days_of(year, month, day):
    """Days since 1970 in the proleptic Gregorian calendar."""
    shifted = year - (month <= 2)
    era, year_of_era = divmod(shifted, 400)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def nanos_of(text):
    """Nanoseconds since 1970 of a moment or day as ISO 8601, DuckDB or PostgreSQL write it."""
    if text in ("infinity", "-infinity"):
        return text
    year, month, day, bc, hour, minute, second, fraction, postgres_bc = MOMENT.fullmatch(text).groups()
    years = 1 - int(year) if bc or postgres_bc else int(year)
    seconds = days_of(years, int(month), int(day)) * 86_400 + int(hour or 0) * 3600 + int(minute or 0) * 60 + int(second or 0)
    return seconds * 10**9 + int((fraction or "0").ljust(9, "0"))


def clock_of(text):
    hour, minute, second = text.split(":")
    return int(hour) * 3_600_000_000 + int(minute) * 60_000_000 + int(decimal.Decimal(second) * 10**6)


NANOS = {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}


def canonical(value, kind):
    """A value as JSON that is the same whichever door it came through. `kind` is an Arrow type."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if value is None or pa.types.is_null(kind):
        return None
    if pa.types.is_boolean(kind):
        assert isinstance(value, bool), value
        return value
    if pa.types.is_integer(kind):
        return int(value)
    if pa.types.is_float32(kind):
        with np.errstate(over="ignore"):
            return repr(float(np.float32(float(value))))
    if pa.types.is_float64(kind):
        return repr(float(value))
    if pa.types.is_decimal(kind):
        return str((decimal.Decimal(repr(value)) if isinstance(value, float) else decimal.Decimal(value)).normalize())
    if pa.types.is_date(kind):
        if isinstance(value, int):
            return value
        nanos = nanos_of(value)
        return nanos if isinstance(nanos, str) else nanos // (DAY * 1000)
    if pa.types.is_timestamp(kind):
        if isinstance(value, str):
            return nanos_of(value)
        return "infinity" if value == INFINITY else "-infinity" if value == -INFINITY else value * NANOS[kind.unit]
    if pa.types.is_time(kind):
        return clock_of(value) if isinstance(value, str) else value
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        if isinstance(value, str):
            value = re.sub(r"\\x([0-9A-F]{2})", lambda m: chr(int(m[1], 16)), value).encode("latin1")
        return value.hex()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return [canonical(item, kind.value_type) for item in value]
    if pa.types.is_struct(kind):
        return {field.name: canonical(value[field.name], field.type) for field in kind}
    if pa.types.is_map(kind):
        items = value.items() if isinstance(value, dict) else value
        return {str(canonical(key, kind.key_type)): canonical(item, kind.item_type) for key, item in items}
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False) if isinstance(value, dict) else str(value)


def in_json(value, kind):
    """What JSON can have of a canonical value: no sign of zero, nothing for NaN and infinities."""
    if isinstance(value, list):
        return [in_json(item, kind.value_type) for item in value]
    if isinstance(value, dict):
        field = (lambda name: kind.item_type) if pa.types.is_map(kind) else lambda name: kind.field(name).type
        return {name: in_json(item, field(name)) for name, item in value.items()}
    if pa.types.is_floating(kind) and value is not None:
        return None if value in ("nan", "inf", "-inf") else "0.0" if value == "-0.0" else value
    return value


# Doors


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        return json.load(error)


def graphql(query, variables=None):
    answer = post(f"{spec['origin']}/graphql", {"query": query, "variables": variables})
    if answer.get("errors"):
        raise RuntimeError(answer["errors"][0]["message"])
    return answer["data"], answer["extensions"]


def plain_type(kind):
    """An Arrow type with whole numbers for days and times, which Python's own types are too narrow for."""
    if pa.types.is_timestamp(kind) or pa.types.is_time64(kind):
        return pa.int64()
    if pa.types.is_date32(kind):
        return pa.int32()
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(plain_type(kind.value_type))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(plain_type(kind.value_type), kind.list_size)
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, plain_type(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(plain_type(kind.key_type), plain_type(kind.item_type))
    return kind


def rows_of(table):
    table.validate(full=True)
    kinds = table.schema.types
    columns = [column if plain_type(column.type) == column.type else column.cast(plain_type(column.type)) for column in table.columns]
    return [[canonical(v, kind) for v, kind in zip(row, kinds)] for row in zip(*(column.to_pylist() for column in columns))]


def opened(path):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    # It would be printed by whatever takes two seconds.
    connection.execute("SET enable_progress_bar = false")
    if path.endswith(".sql"):
        connection.execute(open(path).read())
    else:
        connection.execute(f"ATTACH '{path}' AS lake (READ_ONLY)")
        connection.execute("USE lake")
    return connection


def exported(name):
    url = f"{spec['origin']}/export/query.{name}"

    def ask(asked, _):
        body = json.dumps({"sql": asked} if isinstance(asked, str) else {"rows": asked}).encode()
        with urllib.request.urlopen(urllib.request.Request(url, body, {"content-type": "application/json"})) as response:
            data = response.read()
        return rows_of(pa.ipc.open_stream(data).read_all() if name == "arrow" else pq.read_table(io.BytesIO(data)))

    return ask


class AsText(Loader):
    """What came, as it came."""

    def load(self, data):
        return bytes(data).decode()


def whole(form):
    """Reads days and times as whole numbers."""

    class WholeBinary(Loader):
        format = psycopg.pq.Format.BINARY

        def load(self, data):
            (value,) = struct.unpack("!i" if form == "date" else "!q", data)
            if form == "time":
                return value
            if form == "date":
                return value + EPOCH_DAYS
            if value in (INFINITY, -INFINITY - 1):
                return INFINITY if value > 0 else -INFINITY
            return value + EPOCH_DAYS * DAY

    return WholeBinary


def in_micros(kind):
    """PostgreSQL counts microseconds."""
    if pa.types.is_list(kind):
        return pa.list_(in_micros(kind.value_type))
    return pa.timestamp("us") if pa.types.is_timestamp(kind) else kind


def postgres(binary):
    connection = psycopg.connect(host="127.0.0.1", port=spec["port"], user="analyst", dbname="runlake", autocommit=True)
    for name in ("date", "time", "timestamp", "timestamptz"):
        connection.adapters.register_loader(name, AsText)
        connection.adapters.register_loader(name, whole(name))

    def ask(sql, kinds):
        cursor = connection.execute(sql, binary=binary)
        micros = [in_micros(kind) for kind in kinds]
        return [[canonical(v, kind) for v, kind in zip(row, micros)] for row in cursor]

    return ask


def sql_field(sql, kinds):
    data, extensions = graphql("query ($sql: String!) { sql(query: $sql, maxRows: 100000) { rows truncated } }", {"sql": sql})
    assert not data["sql"]["truncated"]
    rows = data["sql"]["rows"]
    return [[canonical(v, kind) for v, kind in zip(row, kinds)] for row in rows], {
        tuple(issue["path"][2:4]): issue["value"] for issue in extensions.get("issues", []) if len(issue["path"]) == 4
    }


# Comparison

differences = []
compared = {}


def apart(one, other):
    """Two texts from shortly before where they differ."""
    same = next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), 0)
    return [text[max(0, same - 40) : same + 200] for text in (one, other)]


def unsigned(value):
    """A dictionary of DuckDB's Parquet pages has one zero, whichever came first."""
    if isinstance(value, list):
        return [unsigned(item) for item in value]
    if isinstance(value, dict):
        return {name: unsigned(item) for name, item in value.items()}
    return "0.0" if value == "-0.0" else value


def differ(door, question, rows, expected, names):
    if door.startswith("parquet"):
        rows, expected = unsigned(rows), unsigned(expected)
    compared[door] = compared.get(door, 0) + sum(map(len, expected))
    if len(rows) != len(expected):
        differences.append([door, question, f"{len(rows)} rows for {len(expected)}"])
        return
    for r, (row, other) in enumerate(zip(rows, expected)):
        for name, value, wanted in zip(names, row, other):
            if value != wanted and len(differences) < 40:
                differences.append([door, question, name, r, *apart(repr(value), repr(wanted))])


NUMBERS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def compare(sql, reference, doors):
    try:
        table = reference.execute(sql).to_arrow_table()
    except duckdb.Error as error:
        differences.append(["views.duckdb", sql, repr(error)[:500]])
        return
    names, kinds = table.column_names, table.schema.types
    expected = rows_of(table)
    for door, ask in doors.items():
        try:
            differ(door, sql, ask(sql, kinds), expected, names)
        except Exception as error:
            differences.append([door, sql, repr(error)[:500]])
    try:
        rows, issues = sql_field(sql, kinds)
    except Exception as error:
        differences.append(["sql", sql, repr(error)[:500]])
        return
    differ(
        "sql",
        sql,
        [[in_json(v, kind) for v, kind in zip(row, kinds)] for row in rows],
        [[in_json(v, kind) for v, kind in zip(row, kinds)] for row in expected],
        names,
    )
    # What JSON lacks is told beside it.
    for (r, c), value in issues.items():
        if NUMBERS.get(expected[r][c]) != value:
            differences.append(["sql issues", sql, names[c], r, value, repr(expected[r][c])])


def exact(value):
    """A JSON value whose integers beyond 2^53 are texts."""
    if isinstance(value, list):
        return [exact(item) for item in value]
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value) if abs(value) < 2**53 else str(value)
    return 0.0 if value == 0 and isinstance(value, float) else value


def typed_value(value, kind, form):
    if value is None:
        return None
    if form == "plain":
        return in_json(value, kind)
    parsed = exact(json.loads(value))
    if form == "json":
        return parsed
    keys = form.split(",")
    return [{key: item.get(key) for key in keys} for item in parsed if isinstance(item, dict)] if isinstance(parsed, list) else None


def compare_typed(field, relation, selection, columns, reference):
    """The field of Query of a table, in whatever order."""
    table = reference.execute(f"SELECT * FROM {relation}").to_arrow_table()
    kinds = dict(zip(table.column_names, table.schema.types))
    places = {name: i for i, name in enumerate(table.column_names)}
    data, _ = graphql(f"{{ {field}(first: 20000) {{ nodes {{ {selection} }} }} }}")
    expected = [
        [typed_value(row[places[column]], kinds[column], form) for column, form in columns.values()] for row in rows_of(table)
    ]
    rows = [
        [
            None if node[key] is None else canonical(node[key], kinds[column]) if form == "plain" else exact(node[key])
            for key, (column, form) in columns.items()
        ]
        for node in data[field]["nodes"]
    ]
    rows = [
        [in_json(v, kinds[column]) if form == "plain" else v for v, (column, form) in zip(row, columns.values())] for row in rows
    ]
    order = lambda row: json.dumps(row, sort_keys=True)
    differ("typed", field, sorted(rows, key=order), sorted(expected, key=order), list(columns))


def compare_rows(rows, sql, ordered, reference, doors):
    """Exports of a table with a filter, and the same as SQL."""
    expected = rows_of(reference.execute(sql).to_arrow_table())
    order = (lambda all_rows: all_rows) if ordered else lambda all_rows: sorted(all_rows, key=lambda row: json.dumps(unsigned(row)))
    for door in ("arrow", "parquet"):
        got = doors[door](rows, None)
        differ(f"{door} of rows", rows, order(got), order(expected), range(len(expected[0]) if expected else 0))


with open(sys.argv[1]) as file:
    spec = json.load(file)
reference = opened(spec["database"])
doors = {
    "views.sql": lambda sql, _, connection=opened(spec["script"]): rows_of(connection.execute(sql).to_arrow_table()),
    "arrow": exported("arrow"),
    "parquet": exported("parquet"),
    "postgres text": postgres(False),
    "postgres binary": postgres(True),
}
for statement in spec["statements"]:
    compare(statement, reference, doors)
for typed in spec["typed"]:
    try:
        compare_typed(typed["field"], typed["table"], typed["selection"], typed["columns"], reference)
    except RuntimeError as error:
        differences.append(["typed", typed["field"], str(error)])
for asked in spec["rows"]:
    try:
        compare_rows(asked["rows"], asked["sql"], asked["ordered"], reference, doors)
    except (RuntimeError, urllib.error.HTTPError, duckdb.Error) as error:
        differences.append(["rows", asked["rows"], repr(error)])
print(json.dumps({"differences": differences, "compared": compared}), flush=True)
# Without taking the interpreter down in order: threads of DuckDB and pyarrow that still run then have aborted the process.
os._exit(0)
