"""Reports of fitted estimators: what they say, and that they are one file."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from skmae import (
    DiffusionMap,
    MaskedAutoencoderClassifier,
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
    MaskedAutoencoderRegressor,
    MaskedAutoencoderTransformer,
    write_report,
)

from .conftest import make_frame, mixed_columns, quick, with_encoder

plt = pytest.importorskip("matplotlib.pyplot")

TINY = {"hidden_layer_sizes": (8,), "max_epochs": 3, "device": "cpu", "random_state": 0}
NASTY = "<script>alert(\"x\")</script> & 'co'"


class Page(HTMLParser):
    """Text, tags, attributes and cells of a page, whose tags must match."""

    alone = ("meta", "img")

    def __init__(self, path):
        super().__init__()
        self.tags, self.open, self.links, self.cells = [], [], [], []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [v for k, v in attrs if k in ("src", "href")]
        if tag not in self.alone:
            self.open.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data
        if "td" in self.open:
            self.cells[-1] += data

    def row_of(self, name):
        """Cells of a column of the table: quality, missing, outside, kind, values."""
        at = self.cells.index(name)
        return self.cells[at + 1 : at + 6]


def report(estimator, X, folder, **params):
    n_figures = len(plt.get_fignums())
    write_report(estimator, X, folder / "report.html", **params)
    assert len(plt.get_fignums()) == n_figures
    found = Page(folder / "report.html")
    # nothing that another file or a connection would be needed for
    assert found.links
    assert all(link.startswith("data:image/svg+xml;base64,") for link in found.links)
    assert "script" not in found.tags
    return found


def frame(seed=0):
    columns = mixed_columns(80, seed)
    columns[NASTY] = np.random.default_rng(9 + seed).normal(size=80).tolist()
    made = make_frame("pandas", columns, {"height": [3, 4], "shirt": range(40)})
    made.index = [f"person {i}" for i in range(80)]
    return made


def test_a_transformer_says_what_it_saw_and_what_it_is_bad_at(tmp_path):
    mae = quick(max_epochs=150).fit(frame())
    X = frame(seed=1)
    X.iloc[0, 0] = 1e4
    X.loc[X.index[45:47], "shirt"] = "XXL"
    said = report(mae, X, tmp_path, random_state=0)
    quality, missing, outside, kind, values = said.row_of("height")
    before, cells = frame()["height"], X["height"].dropna()
    n_outside = np.sum((cells < before.min()) | (cells > before.max()))
    assert n_outside > 1
    assert (missing, kind) == ("2%", "number")
    assert outside == f"{n_outside / len(cells):.0%}"
    assert values.endswith(f"to 1e+04, mean {np.nanmean(X['height']):.4g}")
    errors = mae.reconstruction_error(X, per_feature=True)
    assert quality == f"{1 - np.nanmean(errors[:, 0]):.2f}"
    assert said.row_of("shirt")[1:4] == ["50%", "5%", "4 categories"]
    assert NASTY in said.cells
    bad = re.search(r"What it is bad at.*", said.text, re.DOTALL)[0]
    assert re.search(r"worst first by .*: height \(.*?\), " + re.escape(NASTY), bad)
    assert "say little of them: height" in bad
    assert "Rows, worst first: row person 0 (most of all height)" in bad
    assert f"{mae.score(X):.3f}" in said.text
    assert "80" in said.text


def test_equal_calls_write_equal_files(wine, tmp_path):
    mae = quick().fit(wine)
    for name in ("a.html", "b.html"):
        write_report(mae, wine, tmp_path / name, random_state=0)
    # but for names of clips, which matplotlib draws anew
    sizes = [(tmp_path / name).stat().st_size for name in ("a.html", "b.html")]
    assert abs(sizes[0] - sizes[1]) < 100
    mae_before = mae.transform(wine)
    assert (mae.transform(wine) == mae_before).all()


def test_many_rows_are_sampled_and_keep_their_numbers(wine, tmp_path):
    X = np.tile(wine, (13, 1))
    X[2100, 4] = 1e5
    X[:, 5] = np.nan
    mae = quick().fit(np.where(np.isnan(X), 0.0, X)[:178])
    said = report(mae, X, tmp_path, random_state=1)
    assert "2,314, of which 2,000 drawn at random are reported on" in said.text
    assert "row 2100 (most of all x4)" in said.text
    assert said.row_of("x5") == ["unknown", "100%", "0%", "number", "none"]


@pytest.mark.filterwarnings("ignore:Skipping features without any observed")
def test_an_imputer(tmp_path):
    imputer = MaskedAutoencoderImputer(n_members=2, add_indicator=True, **TINY)
    X = frame().assign(nothing=np.nan)
    imputer.fit(X)
    said = report(imputer, X, tmp_path)
    assert said.row_of("weight")[0] == f"{imputer.column_scores_[1]:.2f}"
    assert said.row_of("nothing")[3] == "empty in fit"
    assert "columns that were empty: nothing" in said.text


def test_a_detector(holey_wine, tmp_path):
    detector = MaskedAutoencoderDetector(**TINY).fit(holey_wine)
    said = report(detector, holey_wine, tmp_path, y=np.arange(178) % 2)
    blame = detector.explain(holey_wine)
    assert said.row_of("x7")[0] == f"{blame[:, 7].mean():.2f}"
    assert f"Rows, worst first: row {blame.sum(axis=1).argmax()} " in said.text
    images = MaskedAutoencoderDetector(input_shape=(3, 4), **TINY)
    report(images.fit(holey_wine[:, :12]), holey_wine[:, :12], tmp_path)


def test_a_generator(tmp_path):
    X = pd.DataFrame(mixed_columns(80)).drop(columns="tall")
    generator = MaskedAutoencoderGenerator(n_orders=2, **TINY).fit(X)
    said = report(generator, X, tmp_path, random_state=0)
    assert 0 <= float(said.row_of("weight")[0]) < 0.4
    assert "mean log-density" in said.text


def test_a_classifier(wine, tmp_path):
    y = np.array(["<i>", "b", "c"], dtype=object)[np.arange(178) % 3]
    clf = with_encoder(
        MaskedAutoencoderClassifier, fine_tune_epochs=1, calibrate=False, **TINY
    ).fit(wine, y)
    y[5] = None
    said = report(clf, wine, tmp_path, y=y)
    known = y != None  # noqa: E711
    assert f"{clf.score(wine[known], y[known]):.3f}" in said.text
    assert "Classes, worst first" in said.text
    assert re.search(r"Most often \S+ is taken for \S+: \d+", said.text)
    assert len(said.links) == 3
    assert "no y was given" in report(clf, wine, tmp_path).text


def test_a_regressor(wine, tmp_path):
    reg = with_encoder(MaskedAutoencoderRegressor, fine_tune_epochs=1, **TINY)
    y = wine[:, :2].copy()
    reg.fit(wine, y)
    y[3], y[4, 1] = np.nan, np.nan
    said = report(reg, wine, tmp_path, y=y)
    known = np.arange(178) != 3
    assert f"{reg.score(wine[known], y[known]):.3f}" in said.text
    assert "Half of the targets are missed by more than" in said.text


def test_images_list_the_worst_cells(digits, tmp_path):
    X = digits[0][:60].reshape(-1, 8, 8)
    mae = MaskedAutoencoderTransformer(4, input_shape=(8, 8), **TINY).fit(X)
    said = report(mae, X, tmp_path)
    assert "8 x 8" in said.text
    assert "The worst 20 of 64 are listed" in said.text
    assert said.tags.count("tr") == 21


def test_what_cannot_be_reported_on_is_refused(wine, tmp_path):
    path = tmp_path / "report.html"
    with pytest.raises(TypeError, match="Got DiffusionMap"):
        write_report(DiffusionMap().fit(wine), wine, path)
    tokens = MaskedAutoencoderTransformer(analyzer="char", **TINY)
    with pytest.raises(ValueError, match="rows of one length"):
        write_report(tokens.fit(["ab", "abc"] * 9), ["ab"], path)
    mae = quick(max_epochs=1).fit(wine)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        write_report(mae, wine, path, y=[1, 2])
    with pytest.raises(ValueError, match="expecting 13 features"):
        write_report(mae, wine[:, :4], path)
    assert not path.exists()
