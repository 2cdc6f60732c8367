"""Writes optimizers.json: parameter values after steps of torch.optim, for test/nn/optimizers.test.ts.

    python3 test/nn/reference/make-optimizers.py

Gradients are a formula of step and element, computed alike on both sides; nothing but results is stored.
"""
import json
import math
import pathlib

import torch

SIZES = [5, 3, 4]
GROUPS = [[0, 2], [1]]
STEPS = 50

CASES = [
    ("sgd", [{"lr": 0.1}, {"lr": 0.02}]),
    ("sgd", [{"lr": 0.1, "momentum": 0.9}, {"lr": 0.05, "momentum": 0.5, "weightDecay": 0.1}]),
    ("sgd", [{"lr": 0.1, "momentum": 0.9, "dampening": 0.3}, {"lr": 0.1, "weightDecay": 0.01}]),
    ("sgd", [{"lr": 0.1, "momentum": 0.9, "nesterov": True}, {"lr": 0.01, "momentum": 0.8, "nesterov": True, "weightDecay": 0.2}]),
    ("adam", [{"lr": 0.01}, {"lr": 0.02, "betas": [0.8, 0.95], "eps": 1e-3}]),
    ("adam", [{"lr": 0.01, "weightDecay": 0.1}, {"lr": 0.02}]),
    ("adamw", [{"lr": 0.01}, {"lr": 0.02, "weightDecay": 0.3, "betas": [0.5, 0.9]}]),
    ("adamw", [{"lr": 0.05, "eps": 1e-5, "weightDecay": 0.0}, {"lr": 0.001}]),
]
CLASSES = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def initial(index, element):
    return math.cos(index * 10 + element)


def gradient(step, index, element):
    return math.sin(0.7 * step + 1.3 * element + index) + 0.2 * math.cos(step * step)


def run(kind, settings):
    parameters = [
        torch.nn.Parameter(torch.tensor([initial(p, i) for i in range(size)], dtype=torch.float64))
        for p, size in enumerate(SIZES)
    ]
    groups = []
    for members, options in zip(GROUPS, settings):
        renamed = {("weight_decay" if k == "weightDecay" else k): v for k, v in options.items()}
        groups.append({"params": [parameters[p] for p in members], **renamed})
    optimizer = CLASSES[kind](groups, lr=1.0)
    for step in range(1, STEPS + 1):
        for p, parameter in enumerate(parameters):
            parameter.grad = torch.tensor(
                [gradient(step, p, i) for i in range(SIZES[p])], dtype=torch.float64
            )
        optimizer.step()
    return [value for parameter in parameters for value in parameter.tolist()]


cases = [{"kind": kind, "settings": settings, "values": run(kind, settings)} for kind, settings in CASES]
output = {"torch": torch.__version__, "sizes": SIZES, "groups": GROUPS, "steps": STEPS, "cases": cases}
path = pathlib.Path(__file__).with_name("optimizers.json")
path.write_text(json.dumps(output, indent=1) + "\n")
