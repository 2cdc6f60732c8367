"""PyTorch's gloo all_reduce between processes of one machine: milliseconds an all-reduce.

Usage: allreduce.py PROCESSES FLOATS RUNS ITERATIONS. Prints {"torch": version, "ms": [of each run]}, rank 0's
time for a run of ITERATIONS all-reduces back to back, after one run to warm up.
"""
import json
import os
import sys
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp


def member(rank, processes, floats, runs, iterations, port, queue):
    torch.set_num_threads(1)
    store = dist.TCPStore("127.0.0.1", port, is_master=False)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=processes)
    buffer = torch.full((floats,), float(rank + 1))
    dist.all_reduce(buffer)
    assert bool((buffer == processes * (processes + 1) / 2).all())
    buffer.zero_()
    measured = []
    for run in range(-1, runs):
        dist.barrier()
        start = time.perf_counter()
        for _ in range(iterations):
            dist.all_reduce(buffer)
        if run >= 0:
            measured.append(1000 * (time.perf_counter() - start) / iterations)
    if rank == 0:
        queue.put(measured)
    dist.barrier()
    dist.destroy_process_group()


def main():
    processes, floats, runs, iterations = map(int, sys.argv[1:])
    # gloo otherwise picks the interface that the host's name resolves to.
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    queue = mp.get_context("fork").SimpleQueue()
    # Port 0: whichever is free.
    rendezvous = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    arguments = (processes, floats, runs, iterations, rendezvous.port, queue)
    mp.start_processes(member, arguments, nprocs=processes, start_method="fork")
    print(json.dumps({"torch": torch.__version__, "ms": queue.get()}))


if __name__ == "__main__":
    main()
