"""Results of the benchmarks, the tables made from them, and the command."""

import json
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest

from benchmarks import NAMES, __main__, module_of, pages, results, tables
from benchmarks.data import NoData, Source
from benchmarks.results import Record, Row
from benchmarks.tables import Measure, View

PAGES = sorted(pages.PAGES.glob("*.md"))
RESULTS = sorted(results.FOLDER.glob("*.json"))


def record_of(*rows):
    """Make a record of rows (table, method, case, seed, draw, measure, value)."""
    record = Record.begin("features", "python -m benchmarks features --data DIR")
    record.rows += [Row(*row) for row in rows]
    return record


@pytest.fixture
def record():
    """Two tables, two methods, two seeds; the second has no figure for all labels."""
    return record_of(
        ("iris", "raw", "10", 0, 0, "accuracy", 0.5),
        ("iris", "raw", "10", 1, 0, "accuracy", 0.7),
        ("iris", "raw", "", 0, 0, "CPU-s", 1.0),
        ("iris", "ours", "10", 0, 0, "accuracy", 0.8),
        ("iris", "ours", "10", 1, 0, "accuracy", 1.0),
        ("iris", "ours", "all", 0, 0, "accuracy", 0.125),
        ("wine", "raw", "10", 0, 0, "accuracy", 0.75),
        ("wine", "ours", "10", 0, 0, "accuracy", 0.25),
    )


ACCURACY = Measure("accuracy", better="high", spread="error")
BY_METHOD = View(("method",), "case", (ACCURACY,), ("table",), (Measure("CPU-s", 1),))


def test_record_comes_back_from_json(record, tmp_path):
    record.rows.append(Row("wine", "ours", "all", 3, 2, "R2", 1 / 3))
    record.missing.append("UMAP")
    record.write(tmp_path / "new" / "features.json")
    assert Record.read(tmp_path / "new" / "features.json") == record


def test_figure_that_is_not_a_number_is_null_in_json(tmp_path):
    record = record_of(("iris", "raw", "", 0, 0, "R2", np.nan))
    record.write(tmp_path / "features.json")
    text = (tmp_path / "features.json").read_text()
    assert json.loads(text)["rows"][0]["value"] is None
    assert np.isnan(Record.read(tmp_path / "features.json").rows[0].value)


def test_record_tells_versions_threads_and_date(record):
    assert {"python", "skmae", "torch", "scikit-learn"} <= set(record.versions)
    assert record.threads == 1
    assert record.machine["cores"] >= 1
    assert len(record.date) == len("2026-11-26")


def test_table_with_errors_and_the_best_bold(record):
    table = tables.markdown(record, BY_METHOD, {"table": "iris"})
    assert table.splitlines() == [
        "| method | 10 | all | CPU-s |",
        "| --- | --- | --- | --- |",
        "| raw | .600 ± .100 |  | 1.0 |",
        "| ours | **.900** ± .100 | **.125** |  |",
    ]


def test_mean_of_tables_and_on_how_many_the_best(record):
    view = View(("method",), "case", (ACCURACY,), count_best=True)
    assert tables.markdown(record, view).splitlines() == [
        "| method | 10 | all |",
        "| --- | --- | --- |",
        "| raw | **.675** (1) |  |",
        "| ours | .575 (1) | **.125** (1) |",
    ]


def test_tables_that_defaults_were_chosen_on_get_a_star(record):
    view = View(("table",), "method", (ACCURACY,), each=("case",), marked=("wine",))
    lines = tables.markdown(record, view, {"case": "10"}).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| iris", "| wine*"]


def test_tables_of_features_were_looked_at_or_not():
    features = module_of("features")
    assert not set(features.CHOSEN) & set(features.UNSEEN)
    assert features.GROUPS["tables"] == [*features.CHOSEN, *features.UNSEEN]


def test_lines_below_the_tables_and_joined_measures():
    auroc, auprc = (Measure(name, 1, "high") for name in ("AUROC", "AUPRC"))
    rows = []
    for table, values in {"a": (80, 90), "b": (60, 40)}.items():
        for method, value in zip(("raw", "ours"), values, strict=True):
            rows += [
                (table, method, "", 0, 0, "AUROC", value),
                (table, method, "", 0, 0, "AUPRC", value / 2),
                (table, method, "", 0, 0, "CPU-s", 2.0),
            ]
    footer = ("mean", "mean rank", Measure("CPU-s", 1))
    view = View(("table",), "method", (auroc, auprc), footer=footer)
    assert tables.markdown(record_of(*rows), view).splitlines() == [
        "| table | raw | ours |",
        "| --- | --- | --- |",
        "| a | 80.0 / 40.0 | **90.0** / **45.0** |",
        "| b | **60.0** / **30.0** | 40.0 / 20.0 |",
        "| **mean** | 70.0 / 35.0 | 65.0 / 32.5 |",
        "| **mean rank** | 1.50 / 1.50 | 1.50 / 1.50 |",
        "| **CPU-s** | 2.0 | 2.0 |",
    ]


def test_means_of_lines_with_two_names_stand_under_their_columns():
    rows = [(table, "raw", table, 0, 0, "AUROC", 80.0) for table in "ab"]
    measures = (Measure("AUROC", 1),)
    view = View(("table", "case"), "method", measures, footer=("mean",))
    assert tables.markdown(record_of(*rows), view).splitlines()[-1] == (
        "| **mean** |  | 80.0 |"
    )


def test_column_for_each_measure_and_all_kinds_of_averages():
    values = [1.0, 2.0, 4.0]
    rows = [
        ("t", "m", "", seed, 0, name, value)
        for seed, value in enumerate(values)
        for name in ("mean", "median", "ratio", "gain")
    ]
    measures = (
        Measure("mean", 2, spread="deviation"),
        Measure("median", 0, middle="median"),
        Measure("ratio", 0, middle="geometric"),
        Measure("gain", 1, spread="interval", signed=True),
    )
    table = tables.markdown(record_of(*rows), View(("method",), "measure", measures))
    # t(0.975, 2) = 4.303 times the standard error 1.5275 / sqrt(3)
    assert table.splitlines()[-1] == "| m | 2.33 ± 1.25 | 2 | 2 | +2.3 ± 3.8 |"


def test_draws_are_averaged_before_the_error_over_seeds_is_taken():
    rows = [
        ("t", "m", "", seed, draw, "accuracy", value)
        for seed, draw, value in [(0, 0, 0.1), (0, 1, 0.3), (1, 0, 0.3), (1, 1, 0.5)]
    ]
    view = View(("method",), "measure", (ACCURACY,))
    table = tables.markdown(record_of(*rows), view)
    assert table.splitlines()[-1] == "| m | **.300** ± .100 |"


def test_columns_that_are_numbers_stand_in_their_order_before_all():
    rows = [("t", "m", case, 0, 0, "R2", 0.5) for case in ("all", "100", "20")]
    view = View(("table",), "case", (Measure("R2"),), names=("data",))
    table = tables.markdown(record_of(*rows), view)
    assert table.splitlines()[0] == "| data | 20 | 100 | all |"


def test_different_cases_are_not_averaged(record):
    view = View(("table",), "method", (ACCURACY,))
    with pytest.raises(ValueError, match=r"needs one case of \['10', 'all'\]"):
        tables.markdown(record, view)


def test_table_without_figures_is_an_error(record):
    with pytest.raises(ValueError, match="no figures"):
        tables.markdown(record, BY_METHOD, {"table": "sonar"})


def test_all_tables_of_a_record(record):
    titles = [title for title, _ in tables.all_tables(record, {"scores": BY_METHOD})]
    assert titles == ["scores, iris", "scores, wine"]


def test_command_alone_lists_all(capsys):
    assert __main__.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in NAMES:
        summary = module_of(name).__doc__.splitlines()[0]
        assert sum(line.split()[:1] == [name] for line in lines) == 1
        assert f"{name:20}{summary}" in lines


def test_every_module_of_a_benchmark_is_listed():
    folder = Path(pages.__file__).parent
    benchmarks = {
        path.stem
        for path in folder.glob("*.py")
        if "VIEWS = " in path.read_text(encoding="utf-8")
    }
    assert benchmarks == set(NAMES)


def test_help_tells_of_every_benchmark(capsys):
    with pytest.raises(SystemExit):
        __main__.main(["--help"])
    told = "".join(capsys.readouterr().out.split())  # lines are broken anywhere
    for name in NAMES:
        assert "".join(__main__.summary(name).split()) in told


@pytest.mark.parametrize("name", NAMES)
def test_quick_values_are_those_of_options(name):
    usual = vars(__main__.make_parser(quick=False).parse_args([name]))
    quick = vars(__main__.make_parser(quick=True).parse_args([name, "--quick"]))
    assert set(quick) == set(usual)


def test_command_in_a_record_names_no_folder_of_ones_own():
    argv = ["anomaly", "--data", "here/it is", "--only", "kNN mean", "--out=there"]
    assert (
        __main__.quotable(argv)
        == "python -m benchmarks anomaly --data DIR --only 'kNN mean'"
    )


def test_missing_data_is_told(capsys, monkeypatch):
    monkeypatch.setattr(__main__.measure, "set_threads", lambda: None)
    with pytest.raises(SystemExit):
        __main__.main(["anomaly"])
    assert "--data DIR is needed" in capsys.readouterr().err


def test_unknown_table_is_told():
    with pytest.raises(NoData, match="peanuts is no table with classes"):
        Source().labelled("peanuts")


def test_quick_rows_are_few():
    X, y = Source(max_rows=100).labelled("digits")
    assert X.shape == (100, 64)
    assert len(y) == 100


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_marked_tables_are_those_of_the_results(page):
    text = page.read_text(encoding="utf-8")
    assert pages.rewritten(text) == text, "python -m benchmarks tables rewrites them"


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_every_result_is_shown_somewhere(path):
    marks = pages.MARKED.findall("".join(page.read_text("utf-8") for page in PAGES))
    assert any(fnmatch(path.stem, mark.split()[0]) for mark in marks)


def test_pages_are_rewritten_from_results(record, tmp_path):
    record.write(tmp_path / "features-new.json")
    page = tmp_path / "page.md"
    mark = "<!-- table: features-new accuracy table=iris -->"
    page.write_text(f"Before\n\n{mark}\nold\n<!-- end -->\n\nAfter\n")
    assert pages.rewrite(tmp_path, tmp_path) == [page]
    made = tables.markdown(
        record, module_of("features").VIEWS["accuracy"], {"table": "iris"}
    )
    assert page.read_text() == f"Before\n\n{mark}\n\n{made}\n\n<!-- end -->\n\nAfter\n"
    assert pages.rewrite(tmp_path, tmp_path) == []


def test_files_of_one_benchmark_make_one_table(record, tmp_path):
    raw, ours = (
        [row for row in record.rows if row.method == name] for name in ("raw", "ours")
    )
    replace(record, rows=raw, command="first").write(tmp_path / "features-a.json")
    replace(record, rows=ours, command="second").write(tmp_path / "features-b.json")
    record.write(tmp_path / "features.json")
    mark = "<!-- table: features{} accuracy table=iris -->\n<!-- end -->"
    of_both = pages.rewritten(mark.format("-*"), tmp_path)
    of_one = pages.rewritten(mark.format(""), tmp_path)
    assert of_both == of_one.replace("features ", "features-* ")
    about = pages.rewritten("<!-- table: features-* about -->\n<!-- end -->", tmp_path)
    assert about.index("    first") < about.index("    second")


def test_mark_without_results_is_told(tmp_path):
    mark = "<!-- table: features-* accuracy -->\n<!-- end -->"
    with pytest.raises(FileNotFoundError, match="features-\\*"):
        pages.rewritten(mark, tmp_path)
