"""Writes image-changes.json: images turned, magnified, brighter and of more contrast by torchvision, in float64, for
image-changes.test.ts.

    python3 test/nn/reference/image-changes.py
"""
import json
import pathlib

import torch
from torch.nn.functional import affine_grid, grid_sample
from torchvision.transforms import functional as F

IMAGES, HEIGHT, WIDTH = 2, 5, 7


def numbers(images):
    """[n, channels, height, width] as a list in the order of [n, height, width, channels]."""
    return [round(value, 9) for value in images.permute(0, 2, 3, 1).flatten().tolist()]


def pixels(channels):
    values = [(53 * i + i // 11) % 256 for i in range(IMAGES * HEIGHT * WIDTH * channels)]
    flat = torch.tensor(values, dtype=torch.float64)
    return flat.reshape(IMAGES, HEIGHT, WIDTH, channels).permute(0, 3, 1, 2)


def warp(images, degrees, zoom, pad):
    """torchvision turns clockwise and pads with 0 only: for other borders, its grid with PyTorch's paddings."""
    zeros = F.affine(images, -degrees, [0, 0], zoom, [0.0, 0.0], F.InterpolationMode.BILINEAR)
    angle = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
    cos, sin = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    ratio = HEIGHT / WIDTH
    theta = torch.stack([torch.stack([cos, -sin * ratio, 0 * cos]), torch.stack([sin / ratio, cos, 0 * cos])])
    grid = affine_grid(theta.expand(IMAGES, 2, 3), list(images.shape), align_corners=False)
    assert torch.allclose(zeros, grid_sample(images, grid, padding_mode="zeros", align_corners=False), atol=1e-9)
    return zeros if pad == "zero" else grid_sample(images, grid, padding_mode=pad, align_corners=False)


warps = []
for degrees, zoom in ((30.0, 1.0), (-75.0, 1.0), (0.0, 1.7), (0.0, 0.6), (140.0, 1.3)):
    for pad in ("zero", "border", "reflection"):
        images = numbers(warp(pixels(2), degrees, zoom, pad))
        warps.append({"degrees": degrees, "zoom": zoom, "pad": pad, "images": images})
lights = []
for channels in (1, 3):
    for name in ("brightness", "contrast"):
        for factor in (0.25, 0.8, 1.5):
            change = getattr(F, f"adjust_{name}")
            images = torch.stack([255 * change(image / 255, factor) for image in pixels(channels)])
            lights.append({"name": name, "channels": channels, "factor": factor, "images": numbers(images)})
content = {"shape": [IMAGES, HEIGHT, WIDTH], "warps": warps, "lights": lights}
pathlib.Path(__file__).with_name("image-changes.json").write_text(json.dumps(content, indent=1) + "\n")
