"""PyTorch training the ResNet of src/models/resnet.ts on synthetic images: images a second.

Usage: step.py PROCESSES THREADS BATCH RUNS STEPS. BATCH is the global one; a run is STEPS training steps. With
more than one process: DistributedDataParallel over gloo. Prints {"torch": version, "parameters": count,
"rates": [img/s of each run]} after one run to warm up.

Its best settings on a processor: fp32 in channels_last, AdamW over all parameters at once, freed memory kept
instead of returned to the kernel.
"""
import ctypes
import json
import os
import sys
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel

FILTERS = [16, 32, 64, 128, 256]


def conv(inputs, outputs, size, stride=1):
    return nn.Conv2d(inputs, outputs, size, stride=stride, padding=size // 2)


class Block(nn.Module):
    def __init__(self, inputs, outputs, size=3, stride=1):
        super().__init__()
        self.convs = nn.Sequential(
            conv(inputs, outputs, size),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            conv(outputs, outputs, size, stride),
            nn.BatchNorm2d(outputs),
        )
        shortcut = [nn.AvgPool2d(2, ceil_mode=True)] if stride != 1 else []
        if inputs != outputs:
            shortcut.append(conv(inputs, outputs, 1))
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, x):
        return torch.relu_(self.convs(x) + self.shortcut(x))


def resnet():
    stages = [Block(a, b, stride=2) for a, b in zip(FILTERS, FILTERS[1:])]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(FILTERS[-1], 10, bias=False), nn.BatchNorm1d(10)]
    return nn.Sequential(Block(1, FILTERS[0], size=5), *stages, *head)


def keep_freed_memory():
    """glibc gives large tensors back to the kernel at each free, and page faults take a fifth of a step."""
    if not sys.platform.startswith("linux"):
        return
    m_trim_threshold, m_top_pad, m_mmap_max = -1, -2, -4
    libc = ctypes.CDLL(None)
    libc.mallopt(m_mmap_max, 0)
    libc.mallopt(m_trim_threshold, 2**31 - 1)
    libc.mallopt(m_top_pad, 64 << 20)


def train(rank, processes, threads, batch, runs, steps, port, queue):
    keep_freed_memory()
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = resnet().to(memory_format=torch.channels_last)
    parameters = sum(p.numel() for p in model.parameters())
    if processes > 1:
        store = dist.TCPStore("127.0.0.1", port, is_master=False)
        dist.init_process_group("gloo", store=store, rank=rank, world_size=processes)
        model = DistributedDataParallel(model, gradient_as_bucket_view=True, broadcast_buffers=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, foreach=True)
    share = batch // processes + (rank < batch % processes)
    pixels = torch.randint(0, 256, (share, 1, 28, 28), dtype=torch.uint8)
    labels = torch.randint(0, 10, (share,))
    rates = []
    for run in range(-1, runs):
        start = time.perf_counter()
        for _ in range(steps):
            inputs = pixels.float().contiguous(memory_format=torch.channels_last)
            loss = nn.functional.cross_entropy(model(inputs), labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            loss.item()
        if run >= 0:
            rates.append(steps * batch / (time.perf_counter() - start))
    if rank == 0:
        queue.put((parameters, rates))
    if processes > 1:
        dist.barrier()
        dist.destroy_process_group()


def main():
    processes, threads, batch, runs, steps = map(int, sys.argv[1:])
    # gloo otherwise picks the interface that the host's name resolves to.
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    queue = mp.get_context("fork").SimpleQueue()
    # Port 0: whichever is free.
    rendezvous = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    arguments = (processes, threads, batch, runs, steps, rendezvous.port, queue)
    mp.start_processes(train, arguments, nprocs=processes, start_method="fork")
    parameters, rates = queue.get()
    print(json.dumps({"torch": torch.__version__, "parameters": parameters, "rates": rates}))


if __name__ == "__main__":
    main()
