"""Asks a lake at the PostgreSQL door as Python programs do. Prints {client: answer} as JSON.

Usage: clients.py PORT USER PASSWORD CERTIFICATE. Clients that are not installed are left out."""

import asyncio
import datetime
import decimal
import importlib.util
import json
import sys
import uuid

port, user, password, certificate = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
where = {"host": "127.0.0.1", "port": port, "user": user, "password": password}

VALUES = """SELECT true, 1::int2, -2::int4, 9007199254740993::int8, 1.5::float4, 1e300, 12.340::numeric(10,3), 'x''y', NULL::text,
  '2026-01-02'::date, '1999-12-31 23:59:59.6'::timestamp, '2026-01-02 03:04:05.678901+00'::timestamptz, interval '1 day 3 hours',
  '01020304-0506-0708-090a-0b0c0d0e0f10'::uuid, unhex('00ff'), ['a', 'b,c', NULL], [1.5, 2]::float[], time '12:13:14.5', 170141183460469231731687303715884105727::hugeint"""
utc = datetime.timezone.utc
EXPECTED = (
    True, 1, -2, 9007199254740993, 1.5, 1e300, decimal.Decimal("12.340"), "x'y", None,
    datetime.date(2026, 1, 2), datetime.datetime(1999, 12, 31, 23, 59, 59, 600000),
    datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, utc), datetime.timedelta(days=1, hours=3),
    uuid.UUID("01020304-0506-0708-090a-0b0c0d0e0f10"), b"\x00\xff", ["a", "b,c", None], [1.5, 2.0],
    datetime.time(12, 13, 14, 500000), decimal.Decimal(2**127 - 1),
)  # fmt: skip


def psycopg2_answer():
    import psycopg2
    import psycopg2.errors
    import psycopg2.extras

    psycopg2.extras.register_uuid()
    connection = psycopg2.connect(dbname="runlake", sslmode="verify-ca", sslrootcert=certificate, channel_binding="require", **where)
    cursor = connection.cursor()
    cursor.execute(VALUES)
    row = tuple(bytes(v) if isinstance(v, memoryview) else v for v in cursor.fetchone())
    assert row == EXPECTED, row
    cursor.execute("SELECT count(*) FROM runs WHERE family = ANY(%s) AND method IN %s", (["HALLULENS"], ("probe_v1", "x")))
    (counted,) = cursor.fetchone()
    named = connection.cursor("named")
    named.itersize = 7
    named.execute("SELECT example_id FROM predictions ORDER BY run_id, example_id")
    read = len(list(named))
    try:
        cursor.execute("DELETE FROM runs")
    except psycopg2.errors.ReadOnlySqlTransaction:
        pass
    try:
        cursor.execute("SELECT 1")
    except psycopg2.errors.InFailedSqlTransaction:
        connection.rollback()
    return {"counted": counted, "read": read}


def psycopg3_answer():
    import psycopg

    with psycopg.connect(dbname="runlake", **where) as connection:
        cursor = connection.cursor(binary=True)
        row = cursor.execute(VALUES).fetchone()
        assert row == EXPECTED, row
        parameters = (
            2**40, -1.5, decimal.Decimal("1234567.000123"), datetime.datetime(2026, 1, 2, 3, 4, 5, 678, utc), uuid.UUID(int=5),
            b"\x00\xff", [1.5, None], datetime.timedelta(days=1, seconds=2), datetime.date(1, 1, 1), True,
        )  # fmt: skip
        for form in ("%b", "%t"):
            back = cursor.execute("SELECT " + ", ".join([form] * len(parameters)), parameters).fetchone()
            assert back == parameters, back
        with connection.cursor("server") as server:
            server.execute("SELECT example_id FROM predictions WHERE score_halu > %s", (0.3,))
            read = len(server.fetchmany(5)) + len(server.fetchall())
        with connection.cursor().copy("COPY (SELECT run_id, seed FROM runs) TO STDOUT (FORMAT BINARY)") as copy:
            copy.set_types(["text", "int8"])
            copied = len(list(copy.rows()))
        with connection.pipeline():
            answers = [connection.execute("SELECT count(*) FROM runs") for _ in range(3)]
            piped = [answer.fetchone()[0] for answer in answers]
    return {"read": read, "copied": copied, "piped": piped}


def sqlalchemy_answer():
    from sqlalchemy import URL, MetaData, create_engine, func, inspect, select, text

    url = URL.create("postgresql+psycopg2", user, password, "127.0.0.1", port, "runlake")
    engine = create_engine(url)
    inspector = inspect(engine)
    metadata = MetaData()
    metadata.reflect(engine, views=True)
    runs = metadata.tables["runs"]
    with engine.connect() as connection:
        families = connection.execute(select(runs.c.family, func.count()).group_by(runs.c.family)).all()
        sum_ = connection.execute(text("SELECT :a + 1"), {"a": 41}).scalar()
    return {
        "schemas": inspector.get_schema_names(),
        "relations": sorted(metadata.tables),
        "views": sorted(inspector.get_view_names()),
        "comment": inspector.get_table_comment("runs")["text"],
        "column": {key: str(value) for key, value in inspector.get_columns("runs")[0].items()},
        "keys": [inspector.get_pk_constraint("runs")["constrained_columns"], inspector.get_foreign_keys("runs"), inspector.get_indexes("runs")],
        "families": [list(row) for row in families],
        "sum": sum_,
    }


async def asyncpg_session():
    import asyncpg

    connection = await asyncpg.connect(database="runlake", ssl=False, **where)
    rows = await connection.fetch("SELECT run_id FROM runs WHERE seed = $1 ORDER BY run_id", 0)
    arrays = [await connection.fetchval("SELECT $1::int[]", [1, 2]), await connection.fetchval("SELECT ['a', NULL]")]
    async with connection.transaction():
        read = len([row async for row in connection.cursor("SELECT 1 FROM predictions", prefetch=5)])
    try:
        await connection.fetch("SELECT count(*) FROM range(1000000000) a, range(1000) b", timeout=0.3)
    except asyncio.TimeoutError:
        stopped = await connection.fetchval("SELECT 'goes on'")
    await connection.close()
    return {"rows": [row["run_id"] for row in rows], "arrays": arrays, "read": read, "stopped": stopped}


def odbc_answer():
    import pyodbc

    answers = {}
    for options in ("", ";UseDeclareFetch=1;Fetch=7", ";UseServerSidePrepare=0"):
        connection = pyodbc.connect(
            f"DRIVER={{PostgreSQL Unicode}};SERVER=127.0.0.1;PORT={port};DATABASE=runlake;UID={user};PWD={password}{options}"
        )
        cursor = connection.cursor()
        answers[options] = [
            len(cursor.execute("SELECT * FROM predictions WHERE score_halu > ?", 0.3).fetchall()),
            sorted(row.table_name for row in cursor.tables(tableType="VIEW")),
            [[row.column_name, row.type_name] for row in cursor.columns(table="run_stores")],
            len(cursor.primaryKeys(table="runs").fetchall()) + len(cursor.foreignKeys(table="runs").fetchall()),
            len(cursor.statistics(table="runs").fetchall()),
        ]
        connection.close()
    return answers


clients = {
    "psycopg2": psycopg2_answer,
    "psycopg": psycopg3_answer,
    "sqlalchemy": sqlalchemy_answer,
    "asyncpg": lambda: asyncio.run(asyncpg_session()),
    "pyodbc": odbc_answer,
}
present = {name: ask() for name, ask in clients.items() if importlib.util.find_spec(name)}
print(json.dumps(present, default=str))
