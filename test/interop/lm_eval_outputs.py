"""Writes test/fixtures/lm-eval: what lm-evaluation-harness itself makes of five small tasks and a model of ten lines.

    python3 -m venv venv && venv/bin/pip install lm_eval==0.4.13
    venv/bin/python test/interop/lm_eval_outputs.py test/fixtures/lm-eval

Tasks, documents and answers are made up here. Two seeds log their samples, a third run does not.
"""

import json
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"

from lm_eval import simple_evaluate
from lm_eval.api.model import LM
from lm_eval.api.registry import register_model
from lm_eval.loggers import EvaluationTracker
from lm_eval.tasks import TaskManager

PLACES = [
    ("Holanpolis", ["Merania", "Sordland", "Veltria"], 0),
    ("Ostermark", ["Merania", "Sordland", "Veltria"], 1),
    ("Qelbrück", ["Veltria", "Isle of Norr", "Sordland"], 0),
    ("Dunmere", ["Isle of Norr", "Merania", "Veltria"], 0),
    ("Tavira Nova", ["Sordland", "Veltria", "Merania"], 2),
    ("Kest", ["Merania", "Veltria", "Isle of Norr"], 1),
]
SUMS = [(2, 3), (17, 25), (40, 2), (8, 9), (30, 12)]

MULTIPLE_CHOICE = """
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {file}}}}}
output_type: multiple_choice
test_split: test
doc_to_text: "Which country is {{{{city}}}} in?"
doc_to_choice: "{{{{options}}}}"
doc_to_target: gold
metric_list:
  - {{metric: acc, aggregation: mean, higher_is_better: true}}
  - {{metric: acc_norm, aggregation: mean, higher_is_better: true}}
metadata: {{version: 1.0}}
"""
TASKS = {
    "places": MULTIPLE_CHOICE.format(name="places", file="places.jsonl"),
    "places_far": MULTIPLE_CHOICE.format(name="places_far", file="places_far.jsonl"),
    "geography": """
group: geography
task: [places, places_far]
aggregate_metric_list:
  - {metric: acc, aggregation: mean, weight_by_size: true}
metadata: {version: 1.0}
""",
    "sums": """
task: sums
dataset_path: json
dataset_kwargs: {data_files: {test: sums.jsonl}}
output_type: generate_until
test_split: test
doc_to_text: "Q: What is {{a}} + {{b}}?\\nA:"
doc_to_target: "{{a + b}}"
repeats: 2
generation_kwargs: {until: ["\\n"], do_sample: true, temperature: 0.5}
filter_list:
  - name: strict-match
    filter:
      - {function: regex, regex_pattern: "The answer is (\\\\d+)\\\\."}
      - {function: take_first}
  - name: flexible-extract
    filter:
      - {function: regex, regex_pattern: "(\\\\d+)", group_select: -1}
      - {function: take_first}
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true}
metadata: {version: 2.0}
""",
    "cloze": """
task: cloze
dataset_path: json
dataset_kwargs: {data_files: {test: places.jsonl}}
output_type: loglikelihood
test_split: test
doc_to_text: "{{city}} is a city in"
doc_to_target: "{{options[gold]}}"
metric_list:
  - {metric: perplexity, aggregation: perplexity, higher_is_better: false}
  - {metric: acc, aggregation: mean, higher_is_better: true}
metadata: {version: 1.0}
""",
    "prose": """
task: prose
dataset_path: json
dataset_kwargs: {data_files: {test: places.jsonl}}
output_type: loglikelihood_rolling
test_split: test
doc_to_text: ""
doc_to_target: "{{city}} lies in {{options[gold]}}."
metric_list:
  - {metric: word_perplexity}
  - {metric: bits_per_byte}
metadata: {version: 1.0}
""",
}


@register_model("toy")
class Toy(LM):
    """Answers at random, from Python's generator that the harness seeds."""

    @classmethod
    def create_from_arg_string(cls, arg_string, additional_config=None):
        return cls()

    def loglikelihood(self, requests, disable_tqdm=False):
        return [(-random.random() * len(r.args[1]), random.random() < 0.4) for r in requests]

    def loglikelihood_rolling(self, requests, disable_tqdm=False):
        return [-random.random() * len(r.args[0]) for r in requests]

    def generate_until(self, requests, disable_tqdm=False):
        answers = []
        for request in requests:
            a, b = (int(word.strip("?\nA:")) for word in request.args[0].split() if word[0].isdigit())
            value = a + b if random.random() < 0.6 else a * b
            answers.append(random.choice([f" The answer is {value}.", f" {a} + {b} makes {value}"]))
        return answers


def evaluate(output, seed, tasks, log_samples):
    """What the command line does with --output_path, and with --log_samples."""
    tracker = EvaluationTracker(output_path=str(output))
    results = simple_evaluate(
        model="toy",
        model_args="pretrained=acme/toy-1b",
        tasks=tasks,
        task_manager=TaskManager(include_path="tasks", include_defaults=False),
        batch_size=1,
        bootstrap_iters=100,
        log_samples=log_samples,
        evaluation_tracker=tracker,
        random_seed=seed,
        numpy_random_seed=seed,
        torch_random_seed=seed,
        fewshot_random_seed=seed,
    )
    samples = results.pop("samples", None)
    tracker.save_results_aggregated(results=results, samples=samples)
    for task in samples or {}:
        tracker.save_results_samples(task_name=task, samples=samples[task])


def main():
    output = Path(sys.argv[1]).resolve()
    shutil.rmtree(output, ignore_errors=True)
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        Path("tasks").mkdir()
        for name, text in TASKS.items():
            Path("tasks", f"{name}.yaml").write_text(text, encoding="utf-8")
        documents = [{"city": c, "options": o, "gold": g} for c, o, g in PLACES]
        files = {"places": documents, "places_far": documents[:4], "sums": [{"a": a, "b": b} for a, b in SUMS]}
        for name, rows in files.items():
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            Path(f"{name}.jsonl").write_text(text, encoding="utf-8")
        for seed in [1, 2]:
            evaluate(output, seed, ["geography", "sums", "cloze", "prose"], log_samples=True)
        evaluate(output, 3, ["sums"], log_samples=False)


if __name__ == "__main__":
    main()
