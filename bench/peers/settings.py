"""PyTorch at its best for these models: precision, optimizer, memory that is kept."""
import contextlib
import ctypes
import sys

import torch

PRECISIONS = ("fp32", "tf32", "bf16")


def keep_freed_memory():
    """glibc gives large tensors back to the kernel at each free, and page faults take a fifth of a step."""
    if not sys.platform.startswith("linux"):
        return
    m_trim_threshold, m_top_pad, m_mmap_max = -1, -2, -4
    libc = ctypes.CDLL(None)
    libc.mallopt(m_mmap_max, 0)
    libc.mallopt(m_trim_threshold, 2**31 - 1)
    libc.mallopt(m_top_pad, 64 << 20)


def use_precision(precision, device):
    """Sets what float32 means on a GPU; returns the context in which a forward pass runs."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    if precision != "bf16":
        return contextlib.nullcontext
    return lambda: torch.autocast(device, dtype=torch.bfloat16)


def adamw(parameters, **settings):
    """One kernel for all parameters where this PyTorch has it for their device, else one per operation."""
    parameters = list(parameters)
    try:
        return torch.optim.AdamW(parameters, fused=True, **settings)
    except (RuntimeError, TypeError):
        return torch.optim.AdamW(parameters, foreach=True, **settings)
