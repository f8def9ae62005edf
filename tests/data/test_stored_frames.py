"""Reading stored frames a part at a time."""

import time

import numpy as np
import pandas as pd
import pytest

from skmae.data import stored_frames
from skmae.data.stored_frames import ParquetSource

pyarrow = pytest.importorskip("pyarrow")
dataset = pytest.importorskip("pyarrow.dataset")


def write(folder, n_files, n_rows, rows_of_a_group):
    """Files of rows that count on; return all of them."""
    folder.mkdir(exist_ok=True)
    numbers = np.arange(n_files * n_rows)
    frame = pd.DataFrame({"number": numbers, "half": numbers / 2, "kind": numbers % 3})
    frame["kind"] = frame["kind"].map({0: "a", 1: "b", 2: None})
    for file in range(n_files):
        part = frame[file * n_rows : (file + 1) * n_rows].reset_index(drop=True)
        path = folder / f"{file:03}.parquet"
        part.to_parquet(path, row_group_size=rows_of_a_group)
    return frame


def joined(source):
    """All frames of a source as one."""
    return pd.concat(source.frames(), ignore_index=True)


def test_little_is_read_ahead(tmp_path):
    frame = write(tmp_path / "rows", 16, 2**16, 2**16)
    size = pyarrow.Table.from_pandas(frame).nbytes
    frames = ParquetSource.of_path(tmp_path / "rows").frames()
    before = pyarrow.total_allocated_bytes()
    held = []
    for _ in range(4):
        next(frames)
        time.sleep(0.2)  # what reads ahead has the time to
        held.append(pyarrow.total_allocated_bytes() - before)
    assert max(held) < 0.3 * size


@pytest.mark.parametrize("rows_of_a_group", [7, 40, 1000])
def test_frames_hold_all_rows_in_their_order(tmp_path, rows_of_a_group, monkeypatch):
    monkeypatch.setattr(stored_frames, "_SOURCE_ROWS", 30)
    frame = write(tmp_path / "rows", 5, 100, rows_of_a_group)
    source = ParquetSource.of_path(tmp_path / "rows")
    assert max(map(len, source.frames())) <= 30
    pd.testing.assert_frame_equal(joined(source), frame)


def test_columns_that_folders_name(tmp_path):
    for part in ("x", "y"):
        write(tmp_path / f"part={part}", 2, 10, 4)
    rows = dataset.dataset(tmp_path, format="parquet", partitioning="hive")
    found = joined(ParquetSource(rows))
    pd.testing.assert_frame_equal(found, rows.to_table().to_pandas())
    assert found["part"].tolist() == ["x"] * 20 + ["y"] * 20


def test_rows_that_pass_a_filter(tmp_path):
    frame = write(tmp_path / "rows", 2, 50, 20)
    rows = dataset.dataset(tmp_path / "rows", format="parquet")
    found = joined(ParquetSource(rows.filter(dataset.field("number") >= 30)))
    assert found["number"].tolist() == frame["number"][30:].tolist()


def test_data_sets_of_other_formats(tmp_path):
    pd.DataFrame({"number": np.arange(50)}).to_csv(tmp_path / "a.csv", index=False)
    rows = dataset.dataset(tmp_path, format="csv")
    assert joined(ParquetSource(rows))["number"].tolist() == list(range(50))
