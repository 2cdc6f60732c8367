"""PyTorch over uint8 images [count, 1, 28, 28] in memory, in random order, in several ways.

Usage: tensors.py COUNT. Asked through session.py for the rate of a way with a number of workers and a batch size.
"""
import sys

import torch
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

from session import epoch_rate, serve


def main():
    count = int(sys.argv[1])
    images = torch.randint(0, 256, (count, 1, 28, 28), dtype=torch.uint8)
    labels = torch.randint(0, 10, (count,))
    dataset = TensorDataset(images, labels)
    loaders = {}

    def make_loader(way, workers, batch):
        settings = {"num_workers": workers, "persistent_workers": workers > 0}
        if way == "DataLoader":
            return DataLoader(dataset, batch, shuffle=True, **settings)
        # Whole batches are indexed at once, and nothing is left to collate.
        batches = BatchSampler(RandomSampler(dataset), batch, drop_last=False)
        return DataLoader(dataset, sampler=batches, batch_size=None, **settings)

    def bare(batch):
        order = torch.randperm(count)
        for start in range(0, count, batch):
            rows = order[start : start + batch]
            images[rows], labels[rows]

    def through_loader(way, workers, batch):
        if (way, workers, batch) not in loaders:
            loaders[way, workers, batch] = make_loader(way, workers, batch)
        for _ in loaders[way, workers, batch]:
            pass

    def rate(way, workers, batch, ms):
        if way == "bare":
            return epoch_rate(count, ms, lambda: bare(batch))
        return epoch_rate(count, ms, lambda: through_loader(way, workers, batch))

    serve(rate=rate, versions=lambda: {"torch": torch.__version__})


if __name__ == "__main__":
    main()
