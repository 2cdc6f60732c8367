"""Writes label-smoothing.json: cross-entropy with label smoothing and its gradient by PyTorch, for losses.test.ts.

    python3 test/nn/reference/label-smoothing.py
"""
import json
import pathlib

import torch

SAMPLES, CLASSES = 4, 5
values = [((17 * i) % 29 - 14) / 5 for i in range(SAMPLES * CLASSES)]
labels = [0, 3, 4, 3]
cases = []
for smoothing in (0.0, 0.1, 0.35, 1.0):
    for reduction in ("mean", "sum"):
        logits = torch.tensor(values, dtype=torch.float64).reshape(SAMPLES, CLASSES).requires_grad_()
        loss = torch.nn.functional.cross_entropy(
            logits, torch.tensor(labels), reduction=reduction, label_smoothing=smoothing
        )
        loss.backward()
        gradient = logits.grad.flatten().tolist()
        cases.append({"smoothing": smoothing, "reduction": reduction, "loss": loss.item(), "gradient": gradient})
content = {"shape": [SAMPLES, CLASSES], "logits": values, "labels": labels, "cases": cases}
pathlib.Path(__file__).with_name("label-smoothing.json").write_text(json.dumps(content, indent=1) + "\n")
