"""PyTorch's gloo all_reduce between processes of one machine: milliseconds an all-reduce.

Prints {"torch": version, "ms": [of each run]}, rank 0's time for a run of back-to-back all-reduces, after one run to
warm up.
"""
import argparse
import json
import time

import torch
import torch.distributed as dist

from processes import launch


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, required=True)
    parser.add_argument("--floats", type=int, required=True, help="in the buffer")
    parser.add_argument("--runs", type=int, default=5, help="timed runs")
    parser.add_argument("--iterations", type=int, default=50, help="all-reduces in a run")
    return parser.parse_args()


def member(rank, processes, options):
    torch.set_num_threads(1)
    buffer = torch.full((options.floats,), float(rank + 1))
    dist.all_reduce(buffer)
    assert bool((buffer == processes * (processes + 1) / 2).all())
    buffer.zero_()
    measured = []
    for run in range(-1, options.runs):
        dist.barrier()
        start = time.perf_counter()
        for _ in range(options.iterations):
            dist.all_reduce(buffer)
        if run >= 0:
            measured.append(1000 * (time.perf_counter() - start) / options.iterations)
    return measured


def main():
    options = read_arguments()
    print(json.dumps({"torch": torch.__version__, "ms": launch(member, options.processes, options)[0]}))


if __name__ == "__main__":
    main()
