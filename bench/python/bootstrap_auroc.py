"""Stratified bootstrap of an AUROC in numpy: examples are ranked once, a resample is counts and cumulative sums.

Standard input has one JSON line a request: {"scores", "labels", "resamples"}; the answer has the seconds and the percentile interval.
"""
import json
import sys
import time

import numpy as np

for line in sys.stdin:
    asked = json.loads(line)
    scores, labels = np.array(asked["scores"]), np.array(asked["labels"]) == 1
    start = time.perf_counter()
    random = np.random.default_rng(0)
    # Distinct scores, ascending: ties are one place.
    places = np.unique(scores, return_inverse=True)[1]
    size = places.max() + 1
    positives, negatives = places[labels], places[~labels]
    values = np.empty(asked["resamples"])
    for i in range(len(values)):
        p = np.bincount(positives[random.integers(0, len(positives), len(positives))], minlength=size)
        n = np.bincount(negatives[random.integers(0, len(negatives), len(negatives))], minlength=size)
        values[i] = (p * (np.cumsum(n) - n / 2)).sum() / len(positives) / len(negatives)
    low, high = np.percentile(values, [2.5, 97.5])
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "low": low, "high": high}), flush=True)
