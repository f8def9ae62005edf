"""The state of a training: kept in memory, or in a file while the training lasts.

A file is written beside its final name and then moved there, so that a process that
is killed at any moment leaves the whole of the earlier file or of the new one. Files
hold tensors, numbers and strings only, and are read without running any code.
"""

import contextlib
import copy
import io
import os
import tempfile
import time
import warnings
from pathlib import Path

import joblib
import numpy as np
import torch
from skorch.callbacks import EpochTimer, PrintLog

from skmae._version import __version__

# Seconds between two files, at least; and so many times as long as writing one takes.
_LEAST_SECONDS = 1.0
_TIMES_AS_LONG = 20
_HASH_BYTES = 2**24  # of an array at a time


# -- the state of a net --------------------------------------------------------------


def training_state(net):
    """Copy everything that decides how training goes on.

    Parameters
    ----------
    net : MaskedNet
        Between two epochs.

    Returns
    -------
    state : dict
        Weights, optimiser, precision, generators, masks drawn ahead, history, and what
        the callbacks remember: attributes whose names end in an underscore.
    """
    return {
        "module": copy.deepcopy(dict(net.module_.state_dict())),
        "optimizer": copy.deepcopy(net.optimizer_.state_dict()),
        "precision": net.precision,
        "mask_generator": net.mask_generator_.get_state(),
        "batch_generator": net.batch_generator_.get_state(),
        # A slice would take the masks already used along.
        "spare_masks": net.spare_masks_.clone(),
        "stopping": net.stopping_,
        "history": list(net.history),
        "callbacks": {name: _memory(callback) for name, callback in _callbacks(net)},
    }


def restore_training(net, state):
    """Put a net back into a state from :func:`training_state`."""
    net.module_.load_state_dict(state["module"])
    net.optimizer_.load_state_dict(state["optimizer"])
    net.precision = state["precision"]
    net.mask_generator_.set_state(state["mask_generator"].cpu())
    net.batch_generator_.set_state(state["batch_generator"].cpu())
    net.spare_masks_ = state["spare_masks"]
    net.stopping_ = state["stopping"]
    net.history[:] = state["history"]
    for name, callback in _callbacks(net):
        _remember(callback, state["callbacks"].get(name, {}))


def _callbacks(net):
    """All callbacks but those that only print or measure time."""
    return [
        (name, callback)
        for name, callback in net.callbacks_
        if not isinstance(callback, (EpochTimer, PrintLog))
    ]


def _memory(callback):
    memory = {}
    for name, value in vars(callback).items():
        if not name.endswith("_") or name.startswith("_"):
            continue
        if _has_state(value):
            value = {"state_dict": value.state_dict()}
        with contextlib.suppress(TypeError):
            memory[name] = _plain(value)
    return memory


def _remember(callback, memory):
    for name, value in memory.items():
        if _has_state(getattr(callback, name, None)):
            getattr(callback, name).load_state_dict(value["state_dict"])
        else:
            setattr(callback, name, value)


def _has_state(value):
    """Whether it is, say, a learning-rate scheduler."""
    return hasattr(value, "load_state_dict") and not isinstance(value, type)


def _plain(value):
    """Copy tensors, numbers, strings and containers; raise TypeError for all else."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {_plain(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(part) for part in value)
    raise TypeError(f"cannot be kept in a file: {type(value)}")


# -- a file --------------------------------------------------------------------------


def check_folder(folder, random_state):
    """Make sure that checkpoints can be written and found again.

    Parameters
    ----------
    folder : str or os.PathLike
        Made if it is not there.
    random_state :
        Of the estimator.

    Raises
    ------
    ValueError
    """
    if random_state is None:
        raise ValueError(
            "checkpoint needs a random_state: without one, the next fit is another "
            "fit and could not go on from this one's checkpoint. Set random_state to "
            "an int."
        )
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as trial:
            trial.write(b"\0")
    except OSError as error:
        raise ValueError(
            f"The 'checkpoint' parameter is {os.fspath(folder)!r}, but no file can be "
            f"written there: {error.strerror}."
        ) from error


def fit_name(*parts):
    """A name for data and parameters: equal parts, in any process, give equal names.

    Parameters
    ----------
    *parts :
        Arrays or what is sliced like them, tensors, numbers, strings, and containers
        of these. Functions and classes count by their names.
    """
    return joblib.hash((__version__, torch.__version__, _to_hash(parts)))


def _to_hash(part):
    """What stands for a part where it cannot be pickled, or not as a whole."""
    if isinstance(part, torch.Tensor):
        part = part.detach().cpu().numpy()
    if isinstance(part, dict):
        return {key: _to_hash(value) for key, value in part.items()}
    if isinstance(part, (list, tuple)):
        return [_to_hash(element) for element in part]
    if callable(part):
        kind = part if hasattr(part, "__qualname__") else type(part)
        return f"{kind.__module__}.{kind.__qualname__}"
    if len(getattr(part, "shape", ())) == 0:
        return part
    # By slices, which serves rows on disk too.
    n_rows = max(1, _HASH_BYTES // max(1, part[:1].nbytes))
    starts = range(0, len(part), n_rows)
    slices = (np.ascontiguousarray(part[k : k + n_rows]) for k in starts)
    return [tuple(part.shape), *map(joblib.hash, slices)]


class Checkpoint:
    """The file of one fit, in a folder that may hold the files of several.

    Parameters
    ----------
    folder : str or os.PathLike
    name : str
        The fit's :func:`fit_name`.
    """

    def __init__(self, folder, name):
        self.path = Path(folder) / f"skmae-{name}.pt"
        self._next_at = self._next_copy_at = -float("inf")
        self._last: dict | None = None  # newer than the file
        self._has_failed = False

    def load(self, device):
        """State of an earlier fit that did not finish, or None.

        Warns where there is a file that cannot be read.
        """
        if not self.path.exists():
            return None
        try:
            return torch.load(self.path, map_location=device, weights_only=True)
        except Exception as error:  # a torn file can fail in any way
            warnings.warn(
                f"The checkpoint {self.path} cannot be read ({error}). Training "
                "starts anew.",
                UserWarning,
                stacklevel=2,
            )
            return None

    def save(self, net):
        """Copy the state of a net and write it, unless that was done just now.

        Where that fails, warn the first time and let training go on.
        """
        begin = time.monotonic()
        if begin < self._next_copy_at:
            return
        self._last = _for_file(training_state(net))
        copied = time.monotonic()
        self._next_copy_at = copied + _TIMES_AS_LONG * (copied - begin)
        if copied < self._next_at:
            return
        self.write_last()
        end = time.monotonic()
        self._next_at = end + max(_LEAST_SECONDS, _TIMES_AS_LONG * (end - begin))

    def write_last(self):
        """Write the last state that was copied, if the file does not have it."""
        if self._last is None:
            return
        try:
            self._write(self._last)
        except OSError as error:
            if not self._has_failed:
                warnings.warn(
                    f"No checkpoint could be written to {self.path.parent}: "
                    f"{error.strerror}. Training goes on.",
                    UserWarning,
                    stacklevel=2,
                )
            self._has_failed = True
        self._last = None

    def remove(self):
        """Delete the file: the fit is finished."""
        self._last = None
        with contextlib.suppress(OSError):
            self.path.unlink()

    def _write(self, state):
        # In memory first: torch's own writer hides the system's error message.
        content = io.BytesIO()
        torch.save(state, content)
        number, unfinished = tempfile.mkstemp(".tmp", "skmae-", self.path.parent)
        try:
            with open(number, "wb") as file:
                file.write(content.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(unfinished)
            raise


def _for_file(state):
    history: list[dict] = []
    for epoch in state["history"]:
        history.append({})
        for key, value in epoch.items():
            with contextlib.suppress(TypeError):
                history[-1][key] = _plain(value)
    return state | {"history": history}
