"""The networks of probes as people train them with PyTorch.

Standard input has one JSON line a request: {"kind": "saplma" | "contrastive", "views": [files], "labels", "rows", "dim", "train",
"widths", "dropout", "batch", "epochs", "lr", "clip", "temperature", "threads"}; files are raw little-endian float32 and bytes. The
answer has the seconds of training, by the clock and of the processor, and, of a perceptron, the AUROC on the rows after the first `train`.
"""
import json
import sys
import time

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import nn


def network(widths, dropout):
    layers = []
    for i, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        if i:
            layers.append(nn.ReLU())
        if dropout[i]:
            layers.append(nn.Dropout(dropout[i]))
        layers.append(nn.Linear(inputs, outputs))
    return nn.Sequential(*layers)


def contrastive(output, label, temperature):
    z = nn.functional.normalize(output, dim=1)
    rows = len(z)
    own = torch.arange(rows) % (rows // 2)
    truthful = label.repeat(2) == 0
    itself = torch.eye(rows, dtype=torch.bool)
    positive = ((own[:, None] == own[None]) | (truthful[:, None] & truthful[None])) & ~itself
    logits = (z @ z.T / temperature).masked_fill(itself, float("-inf"))
    shares = logits - torch.logsumexp(logits, dim=1, keepdim=True)
    return -(temperature / 0.07) * (shares.masked_fill(~positive, 0).sum(1) / positive.sum(1)).mean()


for line in sys.stdin:
    asked = json.loads(line)
    torch.set_num_threads(asked["threads"])
    train, batch = asked["train"], asked["batch"]
    label = torch.from_numpy(np.fromfile(asked["labels"], "u1")).float()
    start, cpu = time.perf_counter(), time.process_time()
    views = [torch.from_numpy(np.fromfile(f, "<f4").reshape(asked["rows"], asked["dim"])) for f in asked["views"]]
    views = [(v - v[:train].mean(0)) / v[:train].std(0, unbiased=False) for v in views]
    model = network(asked["widths"], asked["dropout"])
    adam = torch.optim.Adam(model.parameters(), lr=asked["lr"])
    for _ in range(asked["epochs"]):
        for rows in torch.randperm(train).split(batch):
            adam.zero_grad()
            if asked["kind"] == "saplma":
                logits = model(views[0][rows])[:, 0]
                loss = nn.functional.binary_cross_entropy_with_logits(logits, label[rows])
            else:
                loss = contrastive(model(torch.cat([v[rows] for v in views])), label[rows], asked["temperature"])
            loss.backward()
            if asked["clip"]:
                nn.utils.clip_grad_norm_(model.parameters(), asked["clip"])
            adam.step()
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    model.eval()
    auroc = None
    if asked["kind"] == "saplma":
        with torch.no_grad():
            auroc = roc_auc_score(label[train:], model(views[0][train:])[:, 0])
    print(json.dumps({"seconds": seconds, "cpu": cpu, "auroc": auroc}), flush=True)
