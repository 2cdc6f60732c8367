"""PyTorch training the ResNet of src/models/resnet.ts on all of Fashion-MNIST: accuracy, and seconds.

The lessons' recipe: AdamW in a one-cycle, GeneralRelu, He initialisation, nothing done to the images but normalisation.
Prints {"torch": version, "epochs": [{"epoch", "trainLoss", "validLoss", "accuracy", "seconds"}], "seconds": of all
epochs with their validation, reading of the files not counted}. All data stays in memory. With more than one process:
DistributedDataParallel over gloo, or NCCL where each has a GPU.
"""
import argparse
import gzip
import json
import sys
import time
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from processes import launch
from resnet import ACTIVATIONS, resnet
from settings import PRECISIONS, adamw, keep_freed_memory, use_precision

SIDE = 28
MEAN, STD = 0.286, 0.353


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default="/usr/share/datasets/fashion-mnist", help="IDX files, plain or .gz")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=1024, help="all processes together")
    parser.add_argument("--lr", type=float, default=1e-2, help="highest of the one-cycle")
    parser.add_argument("--activation", choices=tuple(ACTIVATIONS), default="generalRelu")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    return parser.parse_args()


def read_idx(folder, name, header):
    plain = folder / name
    data = plain.read_bytes() if plain.exists() else gzip.decompress((folder / f"{name}.gz").read_bytes())
    return torch.frombuffer(bytearray(data), dtype=torch.uint8)[header:]


def read_split(folder, name, device):
    images = read_idx(folder, f"{name}-images-idx3-ubyte", 16).view(-1, 1, SIDE, SIDE)
    return images.to(device), read_idx(folder, f"{name}-labels-idx1-ubyte", 8).long().to(device)


def initialise(module):
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, a=0.1)


class Training:
    def __init__(self, rank, processes, options):
        self.rank, self.processes, self.options = rank, processes, options
        if options.device == "cuda":
            torch.cuda.set_device(rank % torch.cuda.device_count())
            torch.backends.cudnn.benchmark = True
        self.context = use_precision(options.precision, options.device)
        self.train_set = read_split(options.folder, "train", options.device)
        self.valid_set = read_split(options.folder, "t10k", options.device)
        model = resnet(options.activation).apply(initialise)
        self.model = model.to(options.device, memory_format=torch.channels_last)
        self.network = self.model
        if processes > 1:
            self.network = DistributedDataParallel(model, gradient_as_bucket_view=True, broadcast_buffers=False)
        self.optimizer = adamw(model.parameters(), lr=options.lr, weight_decay=0.01)
        steps = options.epochs * -(-len(self.train_set[1]) // options.batch)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, options.lr, total_steps=steps)

    def loss(self, network, data, rows):
        images, labels = (tensor[rows] for tensor in data)
        inputs = ((images.float() / 255 - MEAN) / STD).contiguous(memory_format=torch.channels_last)
        with self.context():
            logits = network(inputs)
        return nn.functional.cross_entropy(logits.float(), labels), logits.argmax(1) == labels

    def share(self, rows):
        return rows.tensor_split(self.processes)[self.rank]

    def total(self, *values):
        totals = torch.tensor(values, dtype=torch.float64, device=self.options.device)
        if self.processes > 1:
            dist.all_reduce(totals)
        return totals.tolist()

    def train(self, order):
        self.network.train()
        summed = 0.0
        for rows in order.split(self.options.batch):
            mine = self.share(rows)
            loss, _ = self.loss(self.network, self.train_set, mine)
            # DistributedDataParallel averages: a share of another size would count too much.
            (loss * len(mine) * self.processes / len(rows)).backward()
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            self.schedule.step()
            summed += loss.item() * len(mine)
        return self.total(summed)[0] / len(order)

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        rows = torch.arange(len(self.valid_set[1]))
        summed, right = 0.0, 0
        for part in self.share(rows).split(self.options.batch):
            loss, hits = self.loss(self.model, self.valid_set, part)
            summed += loss.item() * len(part)
            right += hits.sum().item()
        summed, right = self.total(summed, right)
        return summed / len(rows), right / len(rows)


def fit(rank, processes, options):
    keep_freed_memory()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    training = Training(rank, processes, options)
    # The same order in every process, whatever each has drawn before.
    generator = torch.Generator().manual_seed(options.seed)
    epochs = []
    start = time.perf_counter()
    for epoch in range(1, options.epochs + 1):
        train_loss = training.train(torch.randperm(len(training.train_set[1]), generator=generator))
        valid_loss, accuracy = training.validate()
        seconds = time.perf_counter() - start
        row = {"epoch": epoch, "trainLoss": train_loss, "validLoss": valid_loss, "accuracy": accuracy}
        epochs.append({**row, "seconds": seconds})
        if rank == 0:
            print(json.dumps(epochs[-1]), file=sys.stderr, flush=True)
    return {"epochs": epochs, "seconds": epochs[-1]["seconds"]}


def main():
    options = read_arguments()
    result = launch(fit, options.processes, options, device=options.device)[0]
    print(json.dumps({"torch": torch.__version__, **result}))


if __name__ == "__main__":
    main()
