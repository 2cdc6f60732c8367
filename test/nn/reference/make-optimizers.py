"""Writes optimizers.json: parameter values after steps of torch.optim and of the lessons' optimizers, for
test/nn/optimizers.test.ts. Made with PyTorch 1.13.

    python3 test/nn/reference/make-optimizers.py

Gradients are a formula of step and element, computed alike on both sides; nothing but results is stored. Every case
is run twice: once as it stands, once with the second group frozen (no gradient) in steps 20 to 35.
"""
import json
import math
import pathlib

import torch

SIZES = [21, 19, 18]
GROUPS = [[0, 2], [1]]
STEPS = 50
FROZEN = [20, 35]


class SGD:
    """The lessons' optimizers: fast.ai's course22p2, notebook 12, with settings per group."""

    def __init__(self, groups):
        self.groups = groups
        self.state = {}

    def step(self):
        with torch.no_grad():
            for group in self.groups:
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    s = self.state.setdefault(p, {"i": 0})
                    p *= 1 - group["lr"] * group.get("weight_decay", 0.0)
                    self.opt_step(p, s, **{k: v for k, v in group.items() if k not in ("params", "weight_decay")})
                    s["i"] += 1

    def opt_step(self, p, s, lr):
        p -= p.grad * lr


class Momentum(SGD):
    def opt_step(self, p, s, lr, momentum=0.9):
        s.setdefault("grad_avg", torch.zeros_like(p.grad))
        s["grad_avg"] = s["grad_avg"] * momentum + p.grad * (1 - momentum)
        p -= lr * s["grad_avg"]


class RMSProp(SGD):
    def opt_step(self, p, s, lr, alpha=0.99, eps=1e-5):
        s.setdefault("sqr_avg", p.grad**2)
        s["sqr_avg"] = s["sqr_avg"] * alpha + p.grad**2 * (1 - alpha)
        p -= lr * p.grad / (s["sqr_avg"].sqrt() + eps)


class Adam(SGD):
    def opt_step(self, p, s, lr, betas=(0.9, 0.99), eps=1e-5):
        s.setdefault("avg", torch.zeros_like(p.grad))
        s.setdefault("sqr_avg", torch.zeros_like(p.grad))
        beta1, beta2 = betas
        s["avg"] = beta1 * s["avg"] + (1 - beta1) * p.grad
        unbias_avg = s["avg"] / (1 - (beta1 ** (s["i"] + 1)))
        s["sqr_avg"] = beta2 * s["sqr_avg"] + (1 - beta2) * (p.grad**2)
        unbias_sqr_avg = s["sqr_avg"] / (1 - (beta2 ** (s["i"] + 1)))
        p -= lr * unbias_avg / (unbias_sqr_avg + eps).sqrt()


CASES = [
    ("sgd", [{"lr": 0.1}, {"lr": 0.02}]),
    ("sgd", [{"lr": 0.1, "momentum": 0.9}, {"lr": 0.05, "momentum": 0.5, "weightDecay": 0.1}]),
    ("sgd", [{"lr": 0.1, "momentum": 0.9, "dampening": 0.3}, {"lr": 0.1, "weightDecay": 0.01}]),
    ("sgd", [{"lr": 0.1, "momentum": 0.9, "nesterov": True}, {"lr": 0.01, "momentum": 0.8, "nesterov": True, "weightDecay": 0.2}]),
    ("rmsprop", [{"lr": 0.01}, {"lr": 0.02, "alpha": 0.9, "eps": 1e-3}]),
    ("rmsprop", [{"lr": 0.01, "momentum": 0.9}, {"lr": 0.01, "centered": True, "weightDecay": 0.1}]),
    ("rmsprop", [{"lr": 0.02, "alpha": 0.95, "centered": True, "momentum": 0.5}, {"lr": 0.01, "momentum": 0.8, "weightDecay": 0.1}]),
    ("adam", [{"lr": 0.01}, {"lr": 0.02, "betas": [0.8, 0.95], "eps": 1e-3}]),
    ("adam", [{"lr": 0.01, "weightDecay": 0.1}, {"lr": 0.02}]),
    ("adamw", [{"lr": 0.01}, {"lr": 0.02, "weightDecay": 0.3, "betas": [0.5, 0.9]}]),
    ("adamw", [{"lr": 0.05, "eps": 1e-5, "weightDecay": 0.0}, {"lr": 0.001}]),
    ("lessonSgd", [{"lr": 0.1}, {"lr": 0.02, "weightDecay": 0.1}]),
    ("lessonMomentum", [{"lr": 0.1}, {"lr": 0.02, "momentum": 0.5, "weightDecay": 0.1}]),
    ("lessonRmsprop", [{"lr": 0.01}, {"lr": 0.02, "alpha": 0.9, "eps": 1e-3, "weightDecay": 0.1}]),
    ("lessonAdam", [{"lr": 0.01}, {"lr": 0.02, "betas": [0.8, 0.95], "eps": 1e-3, "weightDecay": 0.1}]),
]
CLASSES = {
    "sgd": lambda groups: torch.optim.SGD(groups, lr=1.0),
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "lessonSgd": SGD,
    "lessonMomentum": Momentum,
    "lessonRmsprop": RMSProp,
    "lessonAdam": Adam,
}


def initial(index, element):
    return math.cos(index * 10 + element)


def gradient(step, index, element):
    return math.sin(0.7 * step + 1.3 * element + index) + 0.2 * math.cos(step * step)


def run(kind, settings, freezes):
    parameters = [
        torch.nn.Parameter(torch.tensor([initial(p, i) for i in range(size)], dtype=torch.float64))
        for p, size in enumerate(SIZES)
    ]
    groups = []
    for members, options in zip(GROUPS, settings):
        renamed = {("weight_decay" if k == "weightDecay" else k): v for k, v in options.items()}
        groups.append({"params": [parameters[p] for p in members], **renamed})
    optimizer = CLASSES[kind](groups)
    for step in range(1, STEPS + 1):
        is_frozen = freezes and FROZEN[0] <= step <= FROZEN[1]
        for p, parameter in enumerate(parameters):
            values = [gradient(step, p, i) for i in range(SIZES[p])]
            frozen = is_frozen and p in GROUPS[1]
            parameter.grad = None if frozen else torch.tensor(values, dtype=torch.float64)
        optimizer.step()
    return [float(f"{value:.10g}") for parameter in parameters for value in parameter.tolist()]


cases = [
    {"kind": kind, "settings": settings, "freezes": freezes, "values": run(kind, settings, freezes)}
    for kind, settings in CASES
    for freezes in (False, True)
]
output = {
    "torch": torch.__version__,
    "sizes": SIZES,
    "groups": GROUPS,
    "steps": STEPS,
    "frozen": FROZEN,
    "cases": cases,
}
path = pathlib.Path(__file__).with_name("optimizers.json")
path.write_text(json.dumps(output) + "\n")
