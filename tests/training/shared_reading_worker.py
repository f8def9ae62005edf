"""What one of several processes reads; started by test_shared_reading.py.

    python shared_reading_worker.py ROWS FOLDER

Fits to the Parquet files in ROWS and keeps what was learned, and which row groups
were read, in FOLDER.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import distributed

from skmae import (
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
    MaskedAutoencoderTransformer,
)
from skmae.data import blocks, encoded_rows, pooled_batches, sliced_rows, stored_frames
from tests.training.processes import leave

BATCH = 64  # of all processes together
# Sums over shares round otherwise than sums over batches, in bfloat16 visibly so.
ALIKE = {"device": "cpu", "precision": "float32", "random_state": 0}
N_ROWS, GROUP, FILE = 1600, 200, 800
# Small enough that a table in files is not held in memory, with pools of some blocks.
LARGE = [
    (encoded_rows, "LARGE_CELLS", 1000),
    (blocks, "_BLOCK_CELLS", 1),
    (sliced_rows, "_STRETCH_CELLS", 800),
    (pooled_batches, "_BLOCK_CELLS", 350),
    (pooled_batches, "_POOL_CELLS", 3500),
    (stored_frames, "_SOURCE_ROWS", 100),
]


def make_rows():
    """Numbers and categories that hang together, with holes; some rows are empty."""
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(N_ROWS, 3))
    X = np.tanh(factors @ rng.normal(size=(3, 6))) + 0.2 * rng.normal(size=(N_ROWS, 6))
    X[rng.random(X.shape) < 0.1] = np.nan
    X[::97] = np.nan
    frame = pd.DataFrame(X, columns=list("abcdef"))
    frame["constant"] = 0.1
    frame.loc[::97, "constant"] = np.nan
    kinds = np.where(factors[:, 0] > 0.5, "high", "low").astype(object)
    kinds[N_ROWS - 300 :: 3] = "rare"  # which the first process does not read
    kinds[::97] = None
    frame["kind"] = kinds
    return frame


def write(folder):
    """Write the rows to files of several row groups."""
    X = make_rows()
    for start in range(0, N_ROWS, FILE):
        part = X[start : start + FILE].reset_index(drop=True)
        part.to_parquet(folder / f"{start:05}.parquet", row_group_size=GROUP)


def numbers_of(folder):
    """The columns of numbers, and those rows that are not empty."""
    import polars as pl

    query = pl.scan_parquet(f"{folder}/*.parquet")
    return query.drop("kind", "constant").filter(pl.col("a").is_not_null())


def transformer(batch_size, **params):
    """A small transformer."""
    settings = {"n_components": 16, "hidden_layer_sizes": (32,), "max_epochs": 2}
    return MaskedAutoencoderTransformer(
        **(settings | params), batch_size=batch_size, **ALIKE
    )


def fits(folder, batch_size):
    """Functions that fit: {name: function}."""
    import dask.dataframe as dd

    on = {"batch_size": batch_size, "max_epochs": 2, **ALIKE}
    weight = np.arange(N_ROWS) % 4
    further = transformer(batch_size)
    return {
        "transformer": lambda: transformer(batch_size).fit(folder),
        "weighted": lambda: transformer(batch_size, early_stopping=True).fit(
            folder, sample_weight=weight
        ),
        "robust": lambda: transformer(batch_size, scaling="robust").fit(
            numbers_of(folder)
        ),
        "quantile": lambda: transformer(
            batch_size, scaling="quantile", numerical_embedding="piecewise_linear"
        ).fit(dd.read_parquet(folder)),
        "minmax": lambda: transformer(
            batch_size, scaling="minmax", output_activation="sigmoid"
        ).fit(folder),
        "asinh": lambda: transformer(
            batch_size, scaling="asinh", mask_strategy="copy", mask_value="noise"
        ).fit(folder),
        "array": lambda: transformer(batch_size).fit(
            make_rows()[list("abcdef")].to_numpy(np.float32)
        ),
        "further": lambda: further.fit(folder).partial_fit(folder),
        "detector": lambda: MaskedAutoencoderDetector(**on).fit(folder),
        "contaminated": lambda: MaskedAutoencoderDetector(0.1, **on).fit(folder),
        "contaminated, weighted": lambda: MaskedAutoencoderDetector(0.1, **on).fit(
            folder, sample_weight=weight
        ),
        "imputer": lambda: MaskedAutoencoderImputer(hidden_layer_sizes=(32,), **on).fit(
            numbers_of(folder)
        ),
        "generator": lambda: MaskedAutoencoderGenerator(**on).fit(folder),
    }


def counted_fits(batch_size):
    """Functions that fit to a data set, of which is counted what is read."""
    on = {"batch_size": batch_size, "max_epochs": 1, **ALIKE}
    return {
        "transformer": transformer(batch_size).fit,
        "contaminated": MaskedAutoencoderDetector(0.1, **on).fit,
        "generator": MaskedAutoencoderGenerator(**on).fit,
    }


def results(fitted):
    """What a fit says of rows, beside its weights."""
    if isinstance(fitted, MaskedAutoencoderDetector):
        return np.array([fitted.offset_])
    if isinstance(fitted, MaskedAutoencoderGenerator):
        return fitted.score_samples(make_rows()[:20])
    return np.zeros(0)


def weights(estimator):
    """All weights of a fitted estimator in one array."""
    state = estimator.model_.__getstate__()["weights"]
    return np.concatenate([array.ravel() for array in state.values()])


def counting_dataset(folder):
    """The files as a data set, and a list of what is read of them."""
    from fsspec.implementations.local import LocalFileSystem
    from pyarrow import dataset, fs

    read = []

    class Counting(LocalFileSystem):
        cachable = False

        def _open(self, path, mode="rb", **kwargs):
            file = super()._open(path, mode, **kwargs)
            inner = file.read

            def counted(n_bytes=-1):
                start = file.tell()
                found = inner(n_bytes)
                read.append((Path(path).name, start, start + len(found)))
                return found

            file.read = counted
            return file

    files = fs.PyFileSystem(fs.FSSpecHandler(Counting()))
    rows = dataset.dataset(str(folder), filesystem=files, format="parquet")
    return rows, read


def groups_read(folder, read):
    """Row groups that were read; not with the end of a file, which describes them."""
    import pyarrow.parquet as pq

    found = set()
    for path in sorted(Path(folder).glob("*.parquet")):
        metadata, size = pq.ParquetFile(path).metadata, path.stat().st_size
        for group in range(metadata.num_row_groups):
            columns = [
                metadata.row_group(group).column(c) for c in range(metadata.num_columns)
            ]
            start = min(
                min(c.data_page_offset, c.dictionary_page_offset or c.data_page_offset)
                for c in columns
            )
            end = start + sum(c.total_compressed_size for c in columns)
            if any(p == path.name and a < end and start < b < size for p, a, b in read):
                found.add(f"{path.name} {group}")
    return sorted(found)


def refusal(X):
    """Why X cannot be fitted."""
    try:
        transformer(BATCH).fit(X)
    except ValueError as error:
        return str(error)
    return ""


def learned(folder, batch_size):
    """What fits learn: {name: array}."""
    found = {}
    for name, fit in fits(folder, batch_size).items():
        fitted = fit()
        found[f"{name} weights"] = weights(fitted)
        found[f"{name} losses"] = fitted.loss_curve_
        found[f"{name} results"] = results(fitted)
    return found


def main(rows, folder):
    import polars as pl

    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    rank, n_ranks = distributed.get_rank(), distributed.get_world_size()
    found = {}
    for size, patches in {"small": [], "large": LARGE}.items():
        for module, name, value in patches:
            setattr(module, name, value)
        of_size = learned(rows, BATCH // n_ranks)
        found |= {f"{size} {name}": array for name, array in of_size.items()}
        for name, fit in counted_fits(BATCH // n_ranks).items():
            X, read = counting_dataset(rows)
            fit(X)
            found[f"{size} {name} groups"] = groups_read(rows, read)
    swapped = transformer(
        BATCH // n_ranks, mask_value="swap", max_epochs=20, lr=0.01
    ).fit(rows)
    found["swap losses"] = swapped.loss_curve_
    found["swap weights"] = weights(swapped)
    # All in one row group, which every process has to read.
    whole = Path(folder) / f"whole-{rank}.parquet"
    make_rows().to_parquet(whole)
    found["whole weights"] = weights(transformer(BATCH // n_ranks).fit(whole))
    # What only one process reads is an error in both.
    infinite = pl.scan_parquet(f"{rows}/*.parquet").select(
        pl.col("a"), pl.col("b").cum_sum().fill_null(0) * 0 + pl.int_range(pl.len())
    )
    infinite = infinite.with_columns(
        pl.when(pl.col("b") == N_ROWS - 5)
        .then(np.inf)
        .otherwise(pl.col("b"))
        .alias("b")
    )
    found["infinite"] = refusal(infinite)
    np.savez(f"{folder}/{rank}.npz", **found)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
    leave()
