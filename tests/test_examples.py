"""Every example of the gallery runs from top to bottom, with an epoch for each fit.

What the examples say of their results is seen where the gallery is built.
"""

import runpy
from pathlib import Path

import pytest

from skmae.training.net import MaskedNet

pytest.importorskip("matplotlib").use("agg")

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted(path.stem for path in FOLDER.glob("plot_*.py"))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", EXAMPLES)
def test_example_runs(name, tmp_path, monkeypatch):
    train = MaskedNet.train

    def train_shortly(self, dataset, n_epochs, *args, **kwargs):
        return train(self, dataset, min(n_epochs, 1), *args, **kwargs)

    monkeypatch.setattr(MaskedNet, "train", train_shortly)
    monkeypatch.chdir(tmp_path)  # examples write pictures
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
