"""Logistic regression as people fit probes with scikit-learn.

Standard input has one JSON line a request: {"features", "labels", "rows", "dim", "train", "path", "folds", "threads"}; files are raw
little-endian float32 and bytes. The answer has the seconds of fitting and the AUROC on the rows after the first `train`.
"""
import json
import sys
import time

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

for line in sys.stdin:
    asked = json.loads(line)
    x = np.fromfile(asked["features"], "<f4").reshape(asked["rows"], asked["dim"])
    y = np.fromfile(asked["labels"], "u1")
    train, path = asked["train"], asked["path"]
    with threadpool_limits(asked["threads"]):
        start = time.perf_counter()
        model = make_pipeline(StandardScaler(), LogisticRegression(C=path[0], max_iter=1000))
        if len(path) > 1:
            grid = {"logisticregression__C": path}
            folds = StratifiedKFold(asked["folds"], shuffle=True, random_state=0)
            model = GridSearchCV(model, grid, cv=folds, scoring="roc_auc")
        model.fit(x[:train], y[:train])
        scores = model.decision_function(x[train:])
        seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "auroc": roc_auc_score(y[train:], scores)}), flush=True)
