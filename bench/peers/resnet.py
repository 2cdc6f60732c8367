"""The ResNet of src/models/resnet.ts (variant 3) in PyTorch; its parameters come in the same order."""
import torch
from torch import nn

FILTERS = (16, 32, 64, 128, 256)


class SamePadding(nn.Module):
    """TensorFlow's `same`: ceil(size / stride) outputs, and an odd zero goes below and to the right."""

    def __init__(self, size, stride):
        super().__init__()
        self.size, self.stride = size, stride

    def forward(self, x):
        zeros = []
        for length in (x.shape[3], x.shape[2]):
            outputs = -(-length // self.stride)
            total = max(0, (outputs - 1) * self.stride + self.size - length)
            zeros += [total // 2, total - total // 2]
        return nn.functional.pad(x, zeros)


class GeneralRelu(nn.Module):
    """The lessons' leaky ReLU, shifted down."""

    def forward(self, x):
        return nn.functional.leaky_relu(x, 0.1) - 0.4


class Relu(nn.Module):
    def forward(self, x):
        return torch.relu_(x)


ACTIVATIONS = {"relu": Relu, "generalRelu": GeneralRelu}


def conv(inputs, outputs, size, stride=1, same=False):
    if stride == 1 or not same:
        return nn.Conv2d(inputs, outputs, size, stride=stride, padding=size // 2)
    return nn.Sequential(SamePadding(size, stride), nn.Conv2d(inputs, outputs, size, stride=stride))


class Block(nn.Module):
    def __init__(self, inputs, outputs, size=3, stride=1, activation="relu", same=False):
        super().__init__()
        self.convs = nn.Sequential(
            conv(inputs, outputs, size),
            nn.BatchNorm2d(outputs),
            ACTIVATIONS[activation](),
            conv(outputs, outputs, size, stride, same),
            nn.BatchNorm2d(outputs),
        )
        # Windows that reach over the edge average the pixels they have, as TensorFlow's `same` does.
        shortcut = [nn.AvgPool2d(2, ceil_mode=True)] if stride != 1 else []
        if inputs != outputs:
            shortcut.append(conv(inputs, outputs, 1))
        self.shortcut = nn.Sequential(*shortcut)
        self.activation = ACTIVATIONS[activation]()

    def forward(self, x):
        return self.activation(self.convs(x) + self.shortcut(x))


def resnet(activation="relu", same=False):
    """`same` pads strided convolutions as TensorFlow does; without it as PyTorch users do, which costs nothing."""
    common = {"activation": activation, "same": same}
    stages = [Block(a, b, stride=2, **common) for a, b in zip(FILTERS, FILTERS[1:])]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(FILTERS[-1], 10, bias=False), nn.BatchNorm1d(10)]
    return nn.Sequential(Block(1, FILTERS[0], size=5, **common), *stages, *head)
