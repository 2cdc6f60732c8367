"""PyTorch training the ResNet from given weights on given batches: the loss of every step.

Reads from FOLDER what test/parity/pytorch.test.ts wrote:
  parity.json   {"model": {"activation"}, "steps", "batch", "mean", "std", "settings": [AdamW's, of each step]}
  weights.f32   trainable parameters in the order of the layers: kernels HWIO or [in, out], biases, gamma, beta
  pixels.u8     28 × 28 images, the batches one after another
  labels.i32    their classes
Prints {"torch": version, "losses": [of each step, mean over the batch]}. With more than one process:
DistributedDataParallel over gloo, each with its consecutive share of every batch.
"""
import argparse
import json
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from processes import launch
from resnet import resnet

SIDE = 28


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--precision", choices=("fp32", "fp64"), default="fp32")
    parser.add_argument("--layout", choices=("contiguous", "channels_last"), default="contiguous")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    return parser.parse_args()


def read(file, dtype):
    return torch.frombuffer(bytearray(file.read_bytes()), dtype=dtype)


def load_weights(model, flat):
    """TensorFlow keeps convolutions as HWIO and matrices as [in, out]; PyTorch as OIHW and [out, in]."""
    offset = 0
    for parameter in model.parameters():
        values = flat[offset : offset + parameter.numel()]
        offset += parameter.numel()
        shape = list(parameter.shape)
        if parameter.dim() == 4:
            outputs, inputs, height, width = shape
            values = values.view(height, width, inputs, outputs).permute(3, 2, 0, 1)
        elif parameter.dim() == 2:
            values = values.view(shape[::-1]).t()
        parameter.data.copy_(values.reshape(shape))
    assert offset == flat.numel(), f"the model has {offset} parameters, the file {flat.numel()}"


def read_model(folder, task, options):
    model = resnet(**task["model"], same=True)
    load_weights(model, read(folder / "weights.f32", torch.float32))
    dtype = torch.float64 if options.precision == "fp64" else torch.float32
    return model.to(options.device, dtype, memory_format=layout_of(options))


def layout_of(options):
    return torch.channels_last if options.layout == "channels_last" else torch.contiguous_format


def batches(folder, task, rank, processes):
    """This process's consecutive share of each; as even as possible, the first ones take the remainder."""
    pixels = read(folder / "pixels.u8", torch.uint8).view(-1, 1, SIDE, SIDE)
    labels = read(folder / "labels.i32", torch.int32).long()
    for step in range(task["steps"]):
        whole = slice(step * task["batch"], (step + 1) * task["batch"])
        yield [part.tensor_split(processes)[rank] for part in (pixels[whole], labels[whole])]


def global_loss(loss, share, processes):
    """The mean over the whole batch."""
    total = loss.detach() * share
    if processes > 1:
        dist.all_reduce(total)
    return total.item()


def train(rank, processes, options):
    torch.set_num_threads(1)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    task = json.loads((options.folder / "parity.json").read_text())
    model = read_model(options.folder, task, options)
    dtype = next(model.parameters()).dtype
    network = DistributedDataParallel(model, broadcast_buffers=False) if processes > 1 else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=0)
    losses = []
    for settings, (pixels, labels) in zip(task["settings"], batches(options.folder, task, rank, processes)):
        optimizer.param_groups[0].update(settings)
        inputs = (pixels.to(options.device, dtype) / 255 - task["mean"]) / task["std"]
        inputs = inputs.contiguous(memory_format=layout_of(options))
        loss = nn.functional.cross_entropy(network(inputs), labels.to(options.device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(global_loss(loss, len(labels) / task["batch"], processes))
    return losses


def main():
    options = read_arguments()
    losses = launch(train, options.processes, options, device=options.device)[0]
    print(json.dumps({"torch": torch.__version__, "losses": losses}))


if __name__ == "__main__":
    main()
