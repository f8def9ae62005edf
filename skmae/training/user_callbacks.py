"""The user's skorch callbacks: copied for a fit, and refused where they cannot work."""

import contextlib
import copy

from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    LRScheduler,
)


def prepared(callbacks, estimator, holds_out, scheduled):
    """Copies of a user's callbacks, each of which can work in this fit.

    Parameters
    ----------
    callbacks : sequence or None
        skorch callbacks, perhaps beside a name.
    estimator : estimator being fitted
    holds_out : bool
        Whether a loss on held-out rows is recorded in every epoch.
    scheduled : bool
        Whether the learning rate is set in every step.

    Returns
    -------
    copies : list

    Raises
    ------
    ValueError
        If one of them could not work, or is no callback.
    """
    copies = [_copied(callback) for callback in callbacks or ()]
    for callback in copies:
        callback = callback[1] if isinstance(callback, tuple) else callback
        reason = _why_not(callback, estimator, holds_out, scheduled)
        if reason is not None:
            raise ValueError(f"The 'callbacks' parameter holds {reason}")
        if isinstance(callback, EpochScoring):
            # What it would keep are predictions of cells while others are hidden.
            callback.use_caching = False
    return copies


def asks_to_stop(callback):
    """Whether a KeyboardInterrupt in a callback is how it ends the training.

    It is in skorch's EarlyStopping once its patience is exhausted.
    """
    return isinstance(callback, EarlyStopping) and (
        callback.misses_ == callback.patience
    )


def _copied(callback):
    """Copy a user's callback, so that a fit does not change it.

    What cannot be copied is shared, such as the open files of a TensorBoard writer.
    A name may stand beside the callback, as skorch allows.
    """
    if isinstance(callback, tuple) and len(callback) == 2:
        name, named = callback
        return name, _copied(named)
    kind = callback if isinstance(callback, type) else type(callback)
    if not issubclass(kind, Callback):
        raise ValueError(
            "The 'callbacks' parameter must hold skorch callbacks. Got "
            f"{callback!r} in it."
        )
    if callback is kind:  # which skorch takes too
        return kind()
    try:
        return copy.deepcopy(callback)
    except TypeError:
        twin = copy.copy(callback)
        for name, value in vars(callback).items():
            with contextlib.suppress(TypeError):
                setattr(twin, name, copy.deepcopy(value))
        return twin


def _why_not(callback, estimator, holds_out, scheduled):
    """Why a callback could not work, and what to do; None if it could."""
    name = type(callback).__name__
    watches = isinstance(callback, (EarlyStopping, Checkpoint, LRScheduler))
    # A callable or None monitors nothing that has a name.
    monitor = str(callback.monitor) if watches else ""
    if monitor.startswith("valid_") and not holds_out:
        instead = f"monitor='train_loss{'_best' if monitor.endswith('_best') else ''}'"
        if "early_stopping" in estimator.get_params(deep=False):
            instead = f"early_stopping=True, which holds rows out, or {instead}"
        return (
            f"{name} that monitors {monitor!r}, but the fit of this "
            f"{type(estimator).__name__} has no held-out rows to be judged by. Set "
            f"{instead}."
        )
    if isinstance(callback, LRScheduler) and scheduled:
        return (
            f"{name}, but lr_schedule='cosine' sets the learning rate in every step. "
            "Set lr_schedule='constant'."
        )
    if isinstance(callback, BatchScoring):
        return (
            f"{name}, but the records of single batches are not kept. Use "
            "EpochScoring(scoring, on_train=True), or a callback of your own with "
            "on_batch_end."
        )
    if isinstance(callback, EpochScoring) and not callback.on_train:
        return (
            f"EpochScoring({callback.scoring!r}) of validation data, of which the net "
            "has none. Set on_train=True and let the scoring function bring its rows."
        )
    if isinstance(callback, EpochScoring) and not callable(callback.scoring):
        return (
            f"EpochScoring with scoring={callback.scoring!r}, but there is no y to "
            "compare with. Give a callable(net, X, y) that brings its rows."
        )
    return None
