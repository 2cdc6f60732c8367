"""The most memory in use since a start: resident memory on a processor, the allocator's on a GPU."""
import re

import torch


def status(field):
    with open("/proc/self/status") as file:
        return 1024 * int(re.search(rf"{field}:\s+(\d+) kB", file.read())[1])


class PeakMemory:
    """Bytes beyond what was in use when it was made; None where the system does not tell."""

    def __init__(self, device):
        self.cuda = device == "cuda"
        self.start = self.reset()

    def reset(self):
        if self.cuda:
            torch.cuda.reset_peak_memory_stats()
            return torch.cuda.memory_allocated()
        try:
            # 5: the high-water mark falls back to what is resident now (proc(5)).
            with open("/proc/self/clear_refs", "w") as file:
                file.write("5")
            return status("VmRSS")
        except OSError:
            return None

    def read(self):
        if self.start is None:
            return None
        return (torch.cuda.max_memory_allocated() if self.cuda else status("VmHWM")) - self.start
