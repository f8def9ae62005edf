"""New rows, told from real ones, learned from, and compared with those learned from.

Duplicate rows are dropped, tables cut to --rows random rows and halved by the seed. A
method is fitted on one half, the last column included, draws as many rows, and is
judged by the other half. For all alike, columns are clipped to the range seen, and
those with fewer distinct values than .9 of the rows snapped to the nearest value seen.
TVAE and CTGAN take columns of at most 20 values as discrete.

- C2ST: AUROC of boosting that tells new rows from held-out ones, in five folds; .5 is
  best;
- TSTR: boosting is trained on new rows and predicts the last column of held-out ones;
  balanced accuracy of a class, R2 of a number;
- coverage: share of held-out rows with a new row within the distance of their fifth
  held-out neighbour;
- precision: share of new rows within that distance of a held-out row;
- closer: share of new rows nearer to a training row than to one of as many held-out
  rows; .5 shows no memory;
- copies: share of new rows that are training rows;
- correlations: mean absolute difference from those of held-out rows.

Method "real" hands out its training rows. CPU-s are of the fit and of drawing the rows,
on one thread. Peers that need older packages draw their rows in an environment of their
own, by ``python -m benchmarks.other_environment``, and --read FOLDER judges them.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.generators import METHODS
from benchmarks.measure import Clock
from benchmarks.protocols import halves
from benchmarks.realism import finished, realism
from benchmarks.run import add_seeds, add_sets
from benchmarks.tables import Measure, View

OURS = "skmae"
QUICK = {"sets": ["iris"], "seeds": 1}
C2ST, TSTR = Measure("C2ST"), Measure("TSTR")
VIEWS = {
    "means": View(
        lines=("method",),
        columns="measure",
        measures=(
            C2ST,
            TSTR,
            Measure("coverage"),
            Measure("precision"),
            Measure("closer"),
            Measure("copies"),
            Measure("correlations"),
            Measure("fit CPU-s", 1),
            Measure("draw CPU-s", 1),
        ),
    ),
    "C2ST": View(("table",), "method", (C2ST,), footer=("mean",)),
    "TSTR": View(("table",), "method", (TSTR,), footer=("mean",)),
}


def add_options(parser):
    add_seeds(parser, 1)
    add_sets(parser, None, "names of tables; default: all")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=[*METHODS])
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--read", type=Path, help="judge the rows in this folder")


def run(run):
    options = run.options
    methods = [] if options.read else run.installed(options.methods)
    for table in options.sets or run.source.whole_names():
        X, is_class = run.source.whole(table)
        for seed in run.seeds:
            train, test = halves(X, options.rows, seed)
            if options.read:
                made = read(options.read, f"{table}-{seed}")
            else:
                made = drawn(methods, train, is_class, run, seed)
            for method, new, seconds in made:
                figures = realism(finished(new, train), train, test, is_class)
                run.note(table, method, seed, figures | seconds)


def drawn(methods, train, is_class, run, seed):
    """Yield the name of each method, its new rows, and the seconds that it took."""
    classes = np.zeros(train.shape[1], dtype=bool)
    classes[-1] = is_class
    for method in methods:
        with Clock() as fit:
            draw = METHODS[method](train, classes, run, seed)
        with Clock() as drawing:
            new = draw(len(train))
        yield method, new, {"fit CPU-s": fit.seconds, "draw CPU-s": drawing.seconds}


def read(folder, name):
    """Yield the same from files that were drawn elsewhere."""
    for path in sorted(folder.glob(f"*/{name}.csv")):
        seconds = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        yield path.parent.name, pd.read_csv(path).to_numpy(dtype=float), seconds
