"""The processes of a peer, on one machine: one alone, or several in a process group."""
import os

import torch
import torch.distributed as dist
import torch.multiprocessing as mp


def launch(member, processes, *arguments, device="cpu"):
    """Runs member(rank, processes, *arguments) in as many processes; returns what each returned, by rank."""
    # gloo otherwise picks the interface that the host's name resolves to.
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    results = mp.get_context("fork").SimpleQueue()
    # Port 0: whichever is free.
    rendezvous = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    started = (member, processes, rendezvous.port, device, results, arguments)
    mp.start_processes(run, started, nprocs=processes, start_method="fork")
    return [result for _, result in sorted(results.get() for _ in range(processes))]


def run(rank, member, processes, port, device, results, arguments):
    if processes > 1:
        store = dist.TCPStore("127.0.0.1", port, is_master=False)
        # NCCL wants a GPU for each process.
        alone = device == "cuda" and torch.cuda.device_count() >= processes
        dist.init_process_group("nccl" if alone else "gloo", store=store, rank=rank, world_size=processes)
    results.put((rank, member(rank, processes, *arguments)))
    if processes > 1:
        dist.barrier()
        dist.destroy_process_group()
