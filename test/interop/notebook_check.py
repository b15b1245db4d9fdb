"""Compares the answers that examples/notebooks/02_launch_inference.ipynb wrote with transformers: notebook_check.py CHECKPOINT ANSWERS."""

import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

checkpoint, answers = sys.argv[1:]
torch.set_num_threads(1)
tokenizer = AutoTokenizer.from_pretrained(checkpoint)
model = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).eval()
report = {"examples": 0, "responses": 0, "labels": 0, "vectors": 0, "worst": 0.0}
with open(answers, encoding="utf-8") as file:
    examples = json.load(file)
for example in examples:
    prompt = tokenizer(example["prompt"], return_tensors="pt").input_ids
    with torch.no_grad():
        tokens = model.generate(prompt, max_new_tokens=8, do_sample=False)
        states = model(tokens, output_hidden_states=True).hidden_states
    response = tokenizer.decode(tokens[0, prompt.shape[1] :], skip_special_tokens=True)
    answer = example["reference"]["answers"][0]
    halu = answer.strip().lower() not in response.strip().lower()
    report["examples"] += 1
    report["responses"] += response == example["response"]
    report["labels"] += halu == example["halu"]
    for row in example["activations"]:
        expected = states[row["layer"]][0, row["tokenIndex"]]
        report["worst"] = max(report["worst"], (expected - torch.tensor(row["vector"])).abs().max().item())
        report["vectors"] += 1
report["close"] = report["worst"] < 1e-4
print(json.dumps(report))
