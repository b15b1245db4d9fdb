"""What the notebooks need of Runlake: GraphQL, subscriptions and Arrow over HTTP. Copy it next to your own notebooks.

RUNLAKE_URL names the server (http://127.0.0.1:4000 when unset), RUNLAKE_TOKEN is sent to servers that ask for one.
"""

import json
import os

import pyarrow
import requests

URL = os.environ.get("RUNLAKE_URL", "http://127.0.0.1:4000").rstrip("/")
SESSION = requests.Session()
if "RUNLAKE_TOKEN" in os.environ:
    SESSION.headers["authorization"] = f"Bearer {os.environ['RUNLAKE_TOKEN']}"


def ask(query, **variables):
    """Data of a GraphQL request. Its errors are raised with code, place and remedy."""
    response = SESSION.post(f"{URL}/graphql", json={"query": query, "variables": variables}, timeout=120)
    return data_of(response.json())


def data_of(answer):
    if "errors" in answer:
        raise RuntimeError(json.dumps(answer["errors"], indent=2))
    return answer["data"]


def pages(query, field, **variables):
    """All nodes of a connection. The query takes `$after` and selects `nodes` and `pageInfo { hasNextPage endCursor }`."""
    after = None
    while True:
        page = ask(query, after=after, **variables)[field]
        yield from page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def arrow(sql, **options):
    """Rows of one SELECT over the tables and views of the lake as a pyarrow.Table: of any length, types and vectors as they are."""
    with SESSION.get(f"{URL}/export/query.arrow", params={"sql": sql, **options}, stream=True, timeout=120) as response:
        if not response.ok:
            raise RuntimeError(response.text)
        return pyarrow.ipc.open_stream(response.raw).read_all()


def frame(sql, **options):
    """The same as a pandas.DataFrame."""
    return arrow(sql, **options).to_pandas()


def updates(query, **variables):
    """Data of a GraphQL subscription as they come, over server-sent events."""
    with SESSION.post(
        f"{URL}/graphql/stream",
        json={"query": query, "variables": variables},
        headers={"accept": "text/event-stream"},
        stream=True,
        timeout=(10, None),
    ) as response:
        response.raise_for_status()
        response.encoding = "utf-8"
        kind = None
        for line in response.iter_lines(decode_unicode=True):
            if line.startswith("event:"):
                kind = line.removeprefix("event:").strip()
            elif line.startswith("data:") and kind == "next":
                yield data_of(json.loads(line.removeprefix("data:")))
            elif kind == "complete":
                return


def finished(job):
    """The result of a job, once it has one; says how far it is."""
    for update in updates(
        "subscription ($id: ID!) { jobUpdated(id: $id) { state progress { stage done total rate unit } } }", id=job
    ):
        state, progress = update["jobUpdated"]["state"], update["jobUpdated"]["progress"]
        print(state, progress or "", flush=True)
    end = ask("query ($id: ID!) { job(id: $id) { state result failure { code message } } }", id=job)["job"]
    if end["state"] != "COMPLETED":
        raise RuntimeError(f"{job} is {end['state']}: {end['failure']}")
    return end["result"]
