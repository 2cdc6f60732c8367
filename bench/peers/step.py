"""PyTorch training the ResNet of src/models/resnet.ts on synthetic images: images a second, and memory.

Prints {"torch": version, "parameters": count, "rates": [img/s of each run after one to warm up], "peakBytes": the
most memory that the steps took beyond steps of two images, all processes together, or null}. With more than one
process: DistributedDataParallel over gloo, or NCCL where each has a GPU.
"""
import argparse
import json
import time

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from memory import PeakMemory
from processes import launch
from resnet import resnet
from settings import PRECISIONS, adamw, keep_freed_memory, use_precision


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--batch", type=int, default=512, help="all processes together")
    parser.add_argument("--runs", type=int, default=5, help="timed runs")
    parser.add_argument("--steps", type=int, default=2, help="training steps in a run")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    return parser.parse_args()


class Training:
    def __init__(self, rank, processes, options):
        self.device = options.device
        if self.device == "cuda":
            torch.cuda.set_device(rank % torch.cuda.device_count())
            torch.backends.cudnn.benchmark = True
        self.context = use_precision(options.precision, self.device)
        self.model = resnet().to(self.device, memory_format=torch.channels_last)
        self.parameters = sum(p.numel() for p in self.model.parameters())
        if processes > 1:
            self.model = DistributedDataParallel(self.model, gradient_as_bucket_view=True, broadcast_buffers=False)
        self.optimizer = adamw(self.model.parameters(), lr=1e-3)

    def batch(self, size):
        pixels = torch.randint(0, 256, (size, 1, 28, 28), dtype=torch.uint8)
        labels = torch.randint(0, 10, (size,))
        return (pixels.pin_memory(), labels.pin_memory()) if self.device == "cuda" else (pixels, labels)

    def step(self, pixels, labels):
        pixels, labels = (tensor.to(self.device, non_blocking=True) for tensor in (pixels, labels))
        inputs = pixels.float().contiguous(memory_format=torch.channels_last)
        with self.context():
            loss = nn.functional.cross_entropy(self.model(inputs), labels)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        loss.item()


def train(rank, processes, options):
    keep_freed_memory()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    training = Training(rank, processes, options)
    small = training.batch(2)
    # DistributedDataParallel arranges its buckets in the first two.
    for _ in range(3):
        training.step(*small)
    memory = PeakMemory(options.device)
    share = options.batch // processes + (rank < options.batch % processes)
    batch = training.batch(share)
    rates = []
    for run in range(-1, options.runs):
        start = time.perf_counter()
        for _ in range(options.steps):
            training.step(*batch)
        if run >= 0:
            rates.append(options.steps * options.batch / (time.perf_counter() - start))
    return {"parameters": training.parameters, "rates": rates, "peakBytes": memory.read()}


def main():
    options = read_arguments()
    members = launch(train, options.processes, options, device=options.device)
    peaks = [member["peakBytes"] for member in members]
    total = None if None in peaks else sum(peaks)
    print(json.dumps({"torch": torch.__version__, **members[0], "peakBytes": total}))


if __name__ == "__main__":
    main()
