"""Draw new rows with generators that need older packages, in an environment of theirs.

    python -m venv OLD
    OLD/bin/pip install "numpy<2" "scikit-learn<1.6" "pandas<3" utrees arfpy \
ForestDiffusion
    OMP_NUM_THREADS=1 OLD/bin/python -m benchmarks.other_environment --data DIR \
--out ROWS --methods arfpy utrees
    python -m benchmarks new_rows --data DIR --read ROWS --tag others

The last command, in the usual environment, judges all rows. Neither torch nor skmae is
needed here. ROWS holds METHOD/TABLE-SEED.csv, and TABLE-SEED.json with the CPU-seconds:
generators of other kinds can be judged by writing such files.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.data import Source
from benchmarks.protocols import halves


def arfpy(X, is_class, seed):
    """Adversarial random forests."""
    from arfpy import arf

    np.random.seed(seed)  # noqa: NPY002 - it has no other way
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    if is_class:
        frame = frame.astype({frame.columns[-1]: str})
    forest = arf.arf(x=frame, verbose=False, random_state=seed)
    forest.forde()
    return lambda n: forest.forge(n=n).to_numpy(dtype=float)


def utrees(X, is_class, seed):
    """Unmasking trees."""
    from utrees import UnmaskingTrees

    kinds = ["continuous"] * (X.shape[1] - 1)
    kinds.append("categorical" if is_class else "continuous")
    trees = UnmaskingTrees(random_state=seed).fit(X, quantize_cols=kinds)
    return lambda n: trees.generate(n_generate=n)


def forest_flow(X, is_class, seed):
    """ForestFlow of 50 steps and 20 copies of the rows."""
    from ForestDiffusion import ForestDiffusionModel

    classes = [X.shape[1] - 1] if is_class else []
    flow = ForestDiffusionModel(
        X, n_t=50, duplicate_K=20, cat_indexes=classes, n_jobs=1, seed=seed
    )
    return lambda n: flow.generate(batch_size=n)


METHODS = {"arfpy": arfpy, "utrees": utrees, "ForestFlow": forest_flow}


def main(argv=None):
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.other_environment",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="folder of the data")
    parser.add_argument("--out", type=Path, required=True, help="folder of the rows")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=[*METHODS])
    parser.add_argument("--sets", nargs="+", help="names of tables; default: all")
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args(argv)
    source = Source(options.data)
    for table in options.sets or source.whole_names():
        X, is_class = source.whole(table)
        for seed in range(options.seeds):
            train, _ = halves(X, options.rows, seed)
            for method in options.methods:
                path = options.out / method / f"{table}-{seed}.csv"
                write(path, METHODS[method], train, is_class, seed)
    return 0


def write(path, method, train, is_class, seed):
    """Draw as many rows as there are to learn from; keep them and the seconds."""
    clock = [time.process_time()]
    draw = method(train, is_class, seed)
    clock.append(time.process_time())
    new = draw(len(train))
    clock.append(time.process_time())
    fit, drawing = np.diff(clock)
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = [f"x{j}" for j in range(new.shape[1])]
    pd.DataFrame(new, columns=columns).to_csv(path, index=False)
    seconds = {"fit CPU-s": fit, "draw CPU-s": drawing}
    path.with_suffix(".json").write_text(json.dumps(seconds), encoding="utf-8")
    print(f"{path}: {fit:.1f} and {drawing:.1f} CPU-s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
