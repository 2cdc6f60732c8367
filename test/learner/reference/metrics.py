"""Writes metrics.json: scores of fixed predictions by scikit-learn, checked here against torcheval where that has
them. Made with scikit-learn 1.9.1, torcheval 0.0.7 and PyTorch 1.13.

    python3 test/learner/reference/metrics.py > test/learner/reference/metrics.json
"""
import json
import warnings

import numpy as np
import torch
from sklearn import metrics as sk
from torcheval.metrics import functional as te

warnings.filterwarnings("ignore")
random = np.random.default_rng(7)


def case(name, classes, samples, never_target=(), never_predicted=()):
    """Scores [samples, classes] of one decimal, so that float32 holds them to 1e-7 and ties occur."""
    allowed = [c for c in range(classes) if c not in never_target]
    targets = random.choice(allowed, samples)
    scores = np.round(random.normal(size=(samples, classes)), 1)
    scores[np.arange(samples), targets] += 0.8
    scores = np.round(scores, 1).astype(np.float32)
    scores[:, list(never_predicted)] = -9
    predicted = scores.argmax(1)
    out = {"name": name, "classes": classes, "scores": [[float(f"{v:.1f}") for v in row] for row in scores],
           "targets": targets.tolist(), "accuracy": sk.accuracy_score(targets, predicted),
           "confusion": sk.confusion_matrix(targets, predicted, labels=range(classes)).tolist(), "values": []}
    for normalize in ("true", "pred", "all"):
        out["confusion_" + normalize] = sk.confusion_matrix(
            targets, predicted, labels=range(classes), normalize=normalize).tolist()
    for average in ("micro", "macro", "weighted") + (("binary",) if classes == 2 else ()):
        for zero in (0, 1):
            values = sk.precision_recall_fscore_support(targets, predicted, average=average, zero_division=zero)[:3]
            out["values"].append({"average": average, "zeroDivision": zero,
                                  **dict(zip(("precision", "recall", "f1"), map(float, values)))})
            # torcheval's recall has a fault of shapes where a class does not occur, and no binary average here.
            if zero == 0 and average != "binary" and len(set(targets) | set(predicted)) == classes:
                theirs = torcheval(scores, targets, average, classes)
                assert np.allclose(theirs, values, atol=1e-6), (name, average, theirs, values)
    per_class = sk.precision_recall_fscore_support(targets, predicted, labels=range(classes), zero_division=0)[:3]
    out["perClass"] = dict(zip(("precision", "recall", "f1"), (v.tolist() for v in per_class)))
    out["top2"] = float(te.multiclass_accuracy(torch.tensor(scores.tolist()), torch.tensor(targets.tolist()), k=2))
    return out


def torcheval(scores, targets, average, classes):
    given = torch.tensor(scores.argmax(1).tolist()), torch.tensor(targets.tolist())
    options = {"average": average, "num_classes": classes}
    return [float(f(*given, **options)) for f in
            (te.multiclass_precision, te.multiclass_recall, te.multiclass_f1_score)]


def squared_error():
    predictions = np.round(random.normal(3, 2, 31), 1).astype(np.float32)
    targets = random.integers(0, 8, 31)
    images = np.round(random.random((7, 12)), 2).astype(np.float32)
    rebuilt = np.round(random.random((7, 12)), 2).astype(np.float32)
    flat = sk.mean_squared_error(targets, predictions.astype(np.float64))
    whole = sk.mean_squared_error(images.astype(np.float64), rebuilt.astype(np.float64))
    assert np.isclose(whole, float(te.mean_squared_error(torch.tensor(rebuilt.tolist()), torch.tensor(images.tolist()))), atol=1e-6)
    decimals = lambda a: [float(f"{v:.2f}") for v in a.ravel()]
    return {"predictions": decimals(predictions), "targets": targets.tolist(), "value": flat,
            "inputs": decimals(images), "outputs": decimals(rebuilt), "shape": list(images.shape), "inputsValue": whole}


print(json.dumps({
    "classification": [
        case("four classes", 4, 61),
        case("two classes", 2, 23),
        case("a class that never is the target", 5, 40, never_target=(3,)),
        case("a class that is never predicted", 5, 40, never_predicted=(1,)),
        case("a class that does not occur", 5, 40, never_target=(4,), never_predicted=(4,)),
        case("two classes, the positive one absent", 2, 9, never_target=(1,), never_predicted=(1,)),
    ],
    "squaredError": squared_error(),
    "mean": {"values": [0.6, 0.9], "weights": [32, 2], "value": (0.6 * 32 + 0.9 * 2) / 34},
}))
