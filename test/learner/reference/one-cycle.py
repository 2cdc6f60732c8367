"""Writes one-cycle.json, the settings that PyTorch's OneCycleLR goes through. Made with PyTorch 1.13.

    python3 test/learner/reference/one-cycle.py > test/learner/reference/one-cycle.json
"""
import json

import torch

cases = [
    ("sgd", 0.9, {"max_lr": 0.06, "total_steps": 50}),
    ("adamw", None, {"max_lr": 0.01, "total_steps": 295}),
    ("sgd", 0.0, {"max_lr": [0.1, 0.003], "total_steps": 37, "pct_start": 0.25, "anneal_strategy": "linear"}),
    ("adam", None, {"max_lr": 1.0, "total_steps": 23, "three_phase": True, "pct_start": 0.4, "div_factor": 10.0,
                    "final_div_factor": 100.0, "base_momentum": 0.8, "max_momentum": 0.9}),
    ("sgd", 0.5, {"max_lr": 0.2, "total_steps": 11, "cycle_momentum": False}),
    ("sgd", 0.9, {"max_lr": 0.2, "total_steps": 1}),
]


def settings(group):
    return {"lr": group["lr"], "momentum": group["betas"][0] if "betas" in group else group["momentum"]}


def run(kind, momentum, options):
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))]} for _ in range(2)]
    if kind == "sgd":
        optimizer = torch.optim.SGD(groups, lr=0.5, momentum=momentum)
    else:
        optimizer = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[kind](groups, lr=0.5)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, **options)
    steps = [[settings(group) for group in optimizer.param_groups]]
    for _ in range(options["total_steps"]):
        optimizer.step()
        scheduler.step()
        steps.append([settings(group) for group in optimizer.param_groups])
    return {"kind": kind, "momentum": momentum, "options": options, "steps": steps}


print(json.dumps([run(*case) for case in cases]))
