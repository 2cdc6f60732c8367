"""PyTorch's DataLoader over a folder of PNGs: images a second of whole epochs.

Usage: loader.py FOLDER BATCH RUNS. Prints {name: [rate of each run]} for each way to read, with the best of
0, 1 and 2 workers.
"""
import json
import sys
import time

import torch
import torchvision
from torch.utils.data import DataLoader, Dataset
from torchvision.datasets import ImageFolder
from torchvision.io import ImageReadMode, read_image
from torchvision.transforms import ToTensor


class ReadImage(Dataset):
    """The same files as uint8 tensors, without PIL: the fastest way torchvision 0.14 has."""

    def __init__(self, samples):
        self.samples = samples

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        path, label = self.samples[index]
        return read_image(path, ImageReadMode.GRAY), label


def rates(dataset, batch, workers, runs):
    loader = DataLoader(
        dataset, batch, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )
    measured = []
    for run in range(runs + 1):
        start = time.perf_counter()
        for _ in loader:
            pass
        if run > 0:
            measured.append(len(dataset) / (time.perf_counter() - start))
    return measured


def main():
    folder, batch, runs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    images = ImageFolder(folder, ToTensor())
    report = {}
    for name, dataset in [
        ("ImageFolder + ToTensor", images),
        ("read_image, uint8", ReadImage(images.samples)),
    ]:
        best = max(
            ((workers, rates(dataset, batch, workers, runs)) for workers in (0, 1, 2)),
            key=lambda tried: sorted(tried[1])[runs // 2],
        )
        versions = f"torch {torch.__version__}, torchvision {torchvision.__version__}"
        report[f"{name}, {best[0]} workers ({versions})"] = best[1]
    print(json.dumps(report))


if __name__ == "__main__":
    main()
