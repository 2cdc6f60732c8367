"""Writes schedules.json, the rates that PyTorch's schedulers go through. Made with PyTorch 1.13.

    python3 test/learner/reference/schedules.py > test/learner/reference/schedules.json

fit_flat_cos is fast.ai's, not PyTorch's: its curve is written out here from its definition (fastai/callback/schedule.py,
combined_cos and SchedCos), taken at i / steps before step i.
"""
import json
import math

import torch
from torch.optim import lr_scheduler

# Rates of two groups, and for how many steps.
STEP_CASES = [
    ("cosine", "CosineAnnealingLR", {"T_max": 50}, [0.1, 0.003], 100),
    ("cosine", "CosineAnnealingLR", {"T_max": 7, "eta_min": 0.01}, [0.5, 0.02], 30),
    ("cosine", "CosineAnnealingLR", {"T_max": 295, "eta_min": 1e-5}, [0.06, 1.0], 590),
    ("exponential", "ExponentialLR", {"gamma": 0.9}, [0.1, 0.003], 50),
    ("exponential", "ExponentialLR", {"gamma": 1.3}, [1e-5, 1e-6], 44),
    ("exponential", "ExponentialLR", {"gamma": 0.999}, [1.0, 0.5], 300),
    ("linear", "LinearLR", {}, [0.1, 0.003], 10),
    ("linear", "LinearLR", {"start_factor": 0.01, "total_iters": 40}, [0.5, 1.0], 60),
    ("linear", "LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 17}, [0.5, 1.0], 30),
]

PLATEAU_CASES = [
    ({"patience": 2}, "down"),
    ({"mode": "max", "factor": 0.5, "patience": 0, "threshold": 0.02, "threshold_mode": "abs", "cooldown": 2}, "up"),
    ({"factor": 0.3, "patience": 1, "threshold": 0.05, "cooldown": 1, "min_lr": [0.01, 0.0005]}, "down"),
    ({"mode": "max", "factor": 0.1, "patience": 1, "eps": 1e-3}, "up"),
]


def make_optimizer(rates):
    return torch.optim.SGD([{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in rates], lr=1.0)


def rates_of(optimizer):
    return [group["lr"] for group in optimizer.param_groups]


def run(kind, name, options, rates, steps):
    optimizer = make_optimizer(rates)
    scheduler = getattr(lr_scheduler, name)(optimizer, **options)
    lrs = [rates_of(optimizer)]
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
        lrs.append(rates_of(optimizer))
    return {"kind": kind, "options": options, "rates": rates, "lrs": lrs}


def metric(epoch, direction):
    """Falls, or rises, ever more slowly, and wobbles."""
    value = 1 / (1 + 0.4 * epoch) + 0.05 * math.sin(2.3 * epoch)
    return value if direction == "down" else 1 - value


def run_plateau(options, direction, epochs=40):
    optimizer = make_optimizer([0.1, 0.003])
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, **options)
    lrs = []
    for epoch in range(epochs):
        scheduler.step(metric(epoch, direction))
        lrs.append(rates_of(optimizer))
    metrics = [metric(epoch, direction) for epoch in range(epochs)]
    return {"kind": "plateau", "options": options, "rates": [0.1, 0.003], "metrics": metrics, "lrs": lrs}


def run_sequential(rates, milestone, steps):
    optimizer = make_optimizer(rates)
    parts = [
        lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=milestone),
        lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps - milestone),
    ]
    scheduler = lr_scheduler.SequentialLR(optimizer, parts, milestones=[milestone])
    lrs = [rates_of(optimizer)]
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
        lrs.append(rates_of(optimizer))
    return {"kind": "sequential", "options": {"milestone": milestone, "steps": steps}, "rates": rates, "lrs": lrs}


def flat_cos(rates, steps, pct_start, div_final):
    def curve(lr, position):
        if position < pct_start:
            return lr
        share = (position - pct_start) / (1 - pct_start)
        return lr + (1 + math.cos(math.pi * (1 - share))) * (lr / div_final - lr) / 2

    lrs = [[curve(lr, i / steps) for lr in rates] for i in range(steps)]
    return {
        "kind": "flatCos",
        "options": {"total_steps": steps, "pct_start": pct_start, "div_final": div_final},
        "rates": rates,
        "lrs": lrs,
    }


print(
    json.dumps(
        [run(*case) for case in STEP_CASES]
        + [run_plateau(*case) for case in PLATEAU_CASES]
        + [run_sequential([0.1, 0.003], 10, 60), run_sequential([1.0, 0.5], 3, 11)]
        + [flat_cos([0.1, 0.003], 80, 0.75, 1e5), flat_cos([1.0, 0.5], 37, 0.5, 10.0), flat_cos([0.01, 0.02], 10, 0.0, 1e3)]
    )
)
