"""PyTorch's DataLoader over a folder of class folders of images, in several ways to read them.

Usage: images.py FOLDER CHANNELS HEIGHT WIDTH BATCH; images of another size are brought to HEIGHT x WIDTH. Asked
through session.py for the rate of a way to read with a number of workers, and for the mean of its pixels.
"""
import sys

import PIL
import torch
import torchvision
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.datasets import ImageFolder
from torchvision.io import ImageReadMode, read_image
from torchvision.transforms import Compose, PILToTensor, Resize, ToTensor
from torchvision.transforms import functional

from session import epoch_rate, serve


class ReadImage(Dataset):
    """uint8 tensors without PIL: the fastest way that torchvision 0.14 has to decode."""

    def __init__(self, samples, channels, size):
        self.samples = samples
        self.mode = ImageReadMode.GRAY if channels == 1 else ImageReadMode.RGB
        self.size = size

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        path, label = self.samples[index]
        image = read_image(path, self.mode)
        if list(image.shape[1:]) != self.size:
            image = functional.resize(image, self.size, antialias=True)
        return image, label


class Pil(ReadImage):
    """uint8 tensors by PIL, which decodes a large JPEG at the half, quarter or eighth that still holds the size."""

    to_tensor = PILToTensor()

    def __getitem__(self, index):
        path, label = self.samples[index]
        height, width = self.size
        with Image.open(path) as image:
            mode = "L" if self.mode == ImageReadMode.GRAY else "RGB"
            image.draft(mode, (width, height))
            image = image.convert(mode)
        if image.size != (width, height):
            image = image.resize((width, height), Image.Resampling.BILINEAR)
        return self.to_tensor(image), label


def main():
    folder = sys.argv[1]
    channels, height, width, batch = map(int, sys.argv[2:6])
    size = [height, width]
    image_folder = ImageFolder(folder)
    first, _ = image_folder[0]
    fits = first.size == (width, height)
    image_folder.transform = ToTensor() if fits else Compose([Resize(size), ToTensor()])
    datasets = {
        "ImageFolder": image_folder,
        "read_image": ReadImage(image_folder.samples, channels, size),
        "PIL": Pil(image_folder.samples, channels, size),
    }
    loaders = {}

    def loader_of(way, workers):
        """Kept: its workers stay from epoch to epoch."""
        if (way, workers) not in loaders:
            loaders[way, workers] = DataLoader(
                datasets[way], batch, shuffle=True, num_workers=workers, persistent_workers=workers > 0
            )
        return loaders[way, workers]

    def rate(way, workers, ms):
        loader = loader_of(way, workers)

        def epoch():
            for _ in loader:
                pass

        return epoch_rate(len(datasets[way]), ms, epoch)

    def mean(way):
        total = sum(images.double().mean().item() * len(images) for images, _ in loader_of(way, 0))
        return total / len(datasets[way])

    def versions():
        return {
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "PIL": PIL.__version__,
        }

    serve(rate=rate, mean=mean, versions=versions)


if __name__ == "__main__":
    main()
