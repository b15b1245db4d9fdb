"""Questions to a model over HTTP, with nothing but requests: launch, follow, and read answers, labels and activations.

    pip install requests
    npm start                                              # in another terminal: a server at port 4000
    python examples/notebooks/inference_over_http.py --limit 30 --out answers.json

The functions are made to be pasted into a notebook. The server needs the checkpoint; the questions go with the request.
"""

import argparse
import json

import requests

LAUNCH = """
mutation ($input: InferenceInput!) {
  launchInference(input: $input) { id }
}"""

FOLLOW = """
subscription ($id: ID!) {
  jobUpdated(id: $id) { state progress { stage done total rate unit } }
}"""

JOB = """
query ($id: ID!) {
  job(id: $id) { state result failure { code message } }
}"""

GENERATIONS = """
query ($run: String!, $after: String) {
  generations(filter: { runId: { eq: $run } }, orderBy: [{ field: SOURCE_LINE }], first: 10, after: $after) {
    nodes {
      exampleId prompt response reference halu labelSource
      prediction { scoreHalu }
      activations(site: "resid_post") { layer segment tokenIndex dtype vector }
    }
    pageInfo { hasNextPage endCursor }
  }
}"""


def ask(url, query, **variables):
    """Data of one GraphQL request; its errors are raised."""
    response = requests.post(url, json={"query": query, "variables": variables}, timeout=60)
    answer = response.json()
    if "errors" in answer:
        raise RuntimeError(json.dumps(answer["errors"], indent=2))
    return answer["data"]


def events(url, query, **variables):
    """Data of a GraphQL subscription as they come, over server-sent events."""
    with requests.post(
        f"{url}/stream",
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
                answer = json.loads(line.removeprefix("data:"))
                if "errors" in answer:
                    raise RuntimeError(json.dumps(answer["errors"], indent=2))
                yield answer["data"]
            elif kind == "complete":
                return


def finished(url, job):
    """The result of a job, once it has one; says how far it is."""
    for update in events(url, FOLLOW, id=job):
        state, progress = update["jobUpdated"]["state"], update["jobUpdated"]["progress"]
        print(state, progress or "", flush=True)
    end = ask(url, JOB, id=job)["job"]
    if end["state"] != "COMPLETED":
        raise RuntimeError(f"{job} is {end['state']}: {end['failure']}")
    return end["result"]


def generations(url, run):
    """All generations of a run, page by page."""
    after = None
    while True:
        page = ask(url, GENERATIONS, run=run, after=after)["generations"]
        yield from page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--url", default="http://127.0.0.1:4000/graphql")
    arguments.add_argument("--checkpoint", default="models/demo/checkpoint", help="directory on the server, or key in its store")
    arguments.add_argument("--questions", default="examples/closed-book/questions.jsonl")
    arguments.add_argument("--limit", type=int, default=30)
    arguments.add_argument("--out", default="answers.json")
    given = arguments.parse_args()

    with open(given.questions, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines][: given.limit]
    job = ask(
        given.url,
        LAUNCH,
        input={
            "model": {"path": given.checkpoint, "id": "runlake/demo"},
            "rows": rows,
            "promptTemplate": "Question: {question}\nAnswer:",
            "benchmark": "from_a_notebook",
            "evaluator": "CONTAINMENT",
            "maxTokens": 8,
            # Layers as in hidden_states: 5 and the last one. float32 is what the model computes in.
            "capture": True,
            "layers": [5, -1],
            "tokenSelector": "LAST",
            "activationType": "FLOAT32",
        },
    )["launchInference"]["id"]
    result = finished(given.url, job)
    answers = list(generations(given.url, result["runIds"][0]))
    wrong = sum(answer["halu"] for answer in answers)
    print(f"{len(answers)} answers, {wrong} of them wrong; the first: {answers[0]['prompt']}{answers[0]['response']}")
    with open(given.out, "w", encoding="utf-8") as file:
        json.dump(answers, file)


if __name__ == "__main__":
    main()
