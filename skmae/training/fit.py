"""How every role is trained: check, encode, split, build, train, keep.

What a role varies is its :class:`~skmae.training.task.Task`.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from skmae._device import resolve_device
from skmae._processes import check_alike, from_first_process, n_processes
from skmae._random import draw_seeds
from skmae.data.encoded_rows import drop_empty
from skmae.masking.copied import missingness_patterns
from skmae.masking.strategies import needs_patterns
from skmae.training.build import build_net
from skmae.training.checkpoint import Checkpoint, check_folder, fit_name
from skmae.training.encoding import encode_further
from skmae.training.model import FittedModel
from skmae.training.schedule import CosineSchedule
from skmae.training.user_callbacks import prepared

# Parameters that do not tell one fit from another; device and seeds are resolved.
_NO_PART_OF_A_FIT = ("callbacks", "checkpoint", "device", "random_state", "verbose")


class Trained(NamedTuple):
    """A model, and what it was trained on and judged by."""

    model: FittedModel
    X: Any  # checked rows
    dataset: Any
    train: Any  # (n_rows, n_columns) float32 array or EncodedRows
    held_out: np.ndarray | None  # (n_held_out, n_columns) float32
    weight: np.ndarray | None  # (n_rows,), of the rows to train on
    encoded: Any  # (n_rows, n_columns) float32 array or EncodedRows, of all of X


def fit(task, X, weight, events, before=None):
    """Train a model on checked rows.

    Parameters
    ----------
    task : Task
    X : array, DataFrame or SlicedRows
        Checked rows.
    weight : (n_rows,) array or None
    events : FitEvents
    before : FittedModel or None
        To go on from, with its codec.

    Returns
    -------
    trained : Trained
    """
    params = task.params
    device = resolve_device(params.device)
    if task.keeps_checkpoints:
        check_folder(params.checkpoint, params.random_state)
    seeds = from_first_process(draw_seeds(params.random_state))

    if before is None:
        codec, encoded = task.encode(X, seeds)
    else:
        codec, encoded = before.codec, encode_further(params, before, X)
    values, weight = drop_empty(*task.rows_to_train(encoded, weight, seeds))
    train, held_out, weight_to_train = task.split(values, weight, seeds)

    settings = task.settings(train, weight_to_train, codec, seeds)
    settings = _for_units(settings, codec)
    settings = _for_processes(settings, codec.layout_, len(train))
    dataset = task.dataset(
        train, weight_to_train, settings, codec.layout_, seeds, device
    )
    model = build(task, codec, settings, seeds, device, train)
    if before is not None:
        model.module.load_state_dict(before.module.state_dict())
    task.start(model, dataset)

    checkpoint = None
    if task.keeps_checkpoints:
        checkpoint = _checkpoint(params, model, values, weight)
    train_model(task, model, dataset, held_out, events, checkpoint)
    task.finish(model, train)
    model.scoring_masks = task.scoring_masks(model)
    return Trained(model, X, dataset, train, held_out, weight_to_train, encoded)


def fit_further(model, X, weight, task):
    """Pass once over more checked rows, at a constant rate.

    Returns
    -------
    train : (n_rows, n_columns) float32 array or EncodedRows
    """
    train, weight = drop_empty(encode_further(task.params, model, X), weight)
    model.net.set_params(
        sampler=_sampler(model.settings, model.grid, train, model.seeds),
        verbose=int(task.params.verbose),
        label=task.label,
    )
    dataset = task.dataset(
        train, weight, model.settings, model.layout, model.seeds, model.device
    )
    model.net.train(dataset, n_epochs=1)
    task.finish(model, train)
    return train


def build(task, codec, settings, seeds, device, train=None):
    """Make a model with initial weights.

    ``train``: rows of which a strategy may need the missingness.
    """
    grid = settings.rows.grid(codec.layout_.n_columns)
    params = task.params
    sampler = _sampler(settings, grid, train, seeds)
    net = build_net(
        settings,
        codec.layout_,
        grid,
        sampler,
        seeds,
        device,
        task.net_class,
        callbacks=prepared(task.callbacks, params, task.holds_out, task.scheduled),
        verbose=int(params.verbose),
        label=task.label,
        **task.net_params(sampler),
    )
    return FittedModel(codec, grid, settings, seeds, net.initialize(), device)


def train_model(task, model, dataset, held_out, events, checkpoint=None):
    """Train a model that was built, with all that watches over it."""
    n_batches = dataset.n_batches(model.settings.batch_size)
    n_epochs = task.n_epochs(len(dataset), n_batches)
    callbacks = [] if events is None else [events.begin(n_epochs)]
    if task.scheduled:
        callbacks.append(CosineSchedule(model.settings.lr, n_epochs * n_batches))
    callbacks += task.judges(model, dataset, held_out)
    model.net.train(dataset, n_epochs, callbacks, checkpoint)
    # A fit that began on another machine goes on as it began.
    model.settings = replace(model.settings, precision=model.net.precision)
    if events is not None:
        events.end()


# -- steps ---------------------------------------------------------------------------


def _for_units(settings, codec):
    """Settings for rows of which there may be a single unit to see."""
    if settings.rows.has_steps:
        return settings
    grid = settings.rows.grid(len(codec.empty_))
    seen = np.unique(grid.unit_of_cell[~codec.empty_])
    if grid.n_units > 1 and len(seen) == 1:
        # Of which nothing can be hidden.
        return replace(settings, mask_ratio=0.0, mask_strategy="random")
    return settings


def _for_processes(settings, layout, n_rows):
    """Settings of a fit by several processes, whose batches make a larger one."""
    if n_processes() == 1:
        return settings
    check_alike(means=layout.means.tolist(), stds=layout.stds.tolist())
    return replace(
        settings,
        batch_size=min(settings.batch_size * n_processes(), n_rows),
        precision=from_first_process(settings.precision),
    )


def _sampler(settings, grid, train, seeds):
    patterns = None
    if needs_patterns(settings.mask_strategy):
        patterns = missingness_patterns(train, seeds["masks"])
    return settings.sampler(grid, patterns)


def _checkpoint(params, model, values, weight):
    """The file of this fit, which data and parameters name."""
    told_apart = {
        name: value
        for name, value in params.get_params(deep=False).items()
        if name not in _NO_PART_OF_A_FIT
    }
    name = fit_name(
        type(params),
        told_apart,
        model.seeds,
        model.device,
        dict(model.module.state_dict()),
        values,
        weight,
    )
    return Checkpoint(params.checkpoint, name)
