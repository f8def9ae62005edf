"""Seconds, memory and threads, all in one place."""

import os
import threading
import time

import torch

N_THREADS = 1


def set_threads():
    """Let torch use as many threads as are recorded beside all figures."""
    torch.set_num_threads(N_THREADS)


class Clock:
    """Seconds of a block: ``cpu``, ``wall``, and ``seconds``, the ones to compare.

    These are CPU-seconds of the process on the CPU, and wall-clock seconds between
    synchronised points elsewhere.
    """

    def __init__(self, device="cpu"):
        self.device = torch.device(device)

    def __enter__(self):
        self._synchronise()
        self.wall, self.cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *error):
        self._synchronise()
        self.wall = time.perf_counter() - self.wall
        self.cpu = time.process_time() - self.cpu

    @property
    def seconds(self):
        """Seconds to compare."""
        return self.cpu if self.device.type == "cpu" else self.wall

    def _synchronise(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.device.type == "mps":
            torch.mps.synchronize()


def cpu_of_all():
    """CPU-seconds of this process and of all that it started and saw end."""
    return sum(os.times()[:4])


def resident():
    """Resident megabytes of this process: all, and of memory of its own."""
    sizes = {}
    with open("/proc/self/status") as file:
        for line in file:
            name, _, size = line.partition(":")
            if name in ("VmRSS", "RssAnon"):
                sizes[name] = int(size.split()[0]) / 1024
    return sizes["VmRSS"], sizes["RssAnon"]


class PeakMemory:
    """The largest resident memory while a block runs, seen every few milliseconds.

    The peak that the system reports counts what the parent of a process had used.
    """

    def __init__(self, interval=0.005):
        self.interval = interval

    def __enter__(self):
        self.peak, self._done = resident(), threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._done.set()
        self._thread.join()

    def _look(self):
        while not self._done.wait(self.interval):
            self.peak = tuple(map(max, self.peak, resident()))
