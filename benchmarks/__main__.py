"""Measurements beside the usual alternatives.

    python -m benchmarks                        the benchmarks, a line each
    python -m benchmarks NAME --help            what one measures, and its options
    python -m benchmarks NAME --data DIR        measure; keep results/NAME.json
    python -m benchmarks all --quick            try all, on bundled data, in a minute
    python -m benchmarks tables                 bring tables of the documentation up to
                                                date with the results

DIR holds ``imputation/*.csv``, ``anomaly/*.npz`` and ``mnist/mnist_10k_5k.npz``.
"""

import argparse
import shlex
import sys
import tempfile
import warnings
from pathlib import Path

from sklearn.exceptions import ConvergenceWarning

from benchmarks import NAMES, data, measure, module_of, pages, results, tables
from benchmarks.run import QUICK_ROWS, Run


def main(argv=None):
    """Run the command; return its exit status."""
    argv = sys.argv[1:] if argv is None else argv
    parser = make_parser(quick="--quick" in argv)
    options = parser.parse_args(argv)
    if options.name is None:
        print(f"{parser.format_usage()}\n{listing()}")
        return 0
    if options.name == "tables":
        for page in pages.rewrite():
            print(f"rewritten: {page.name}")
        return 0
    try:
        if options.name == "all":
            run_all(options)
        else:
            run_one(options, argv)
    except data.NoData as error:
        parser.error(str(error))
    return 0


def listing():
    """Return names and first lines of all benchmarks."""
    return "\n".join(f"{name:20}{summary(name)}" for name in NAMES)


def summary(name):
    """Return the first line of what a benchmark says of itself."""
    return module_of(name).__doc__.partition("\n")[0]


def make_parser(quick):
    """Return the parser; a quick run has other defaults."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.partition("\n")[0]
    )
    commands = parser.add_subparsers(dest="name", metavar="NAME")
    for name in NAMES:
        module = module_of(name)
        command = commands.add_parser(
            name,
            help=summary(name).replace("%", "%%"),
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        add_shared(command)
        module.add_options(command)
        if quick:
            command.set_defaults(**module.QUICK)
    every = commands.add_parser("all", help="all of them, one after the other")
    add_shared(every)
    commands.add_parser("tables", help="bring tables of the documentation up to date")
    return parser


def add_shared(parser):
    """Declare the options that all benchmarks have."""
    parser.add_argument("--data", type=Path, help="folder of the data")
    parser.add_argument("--out", type=Path, help="folder of the results")
    parser.add_argument("--tag", help="results are called NAME-TAG.json")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="few rows, one seed and one epoch, to see that all still runs; results "
        "are not kept, but for --out",
    )


def run_all(options):
    """Run every benchmark with the shared options."""
    shared = ["--quick"] if options.quick else []
    for name in ("data", "out", "tag"):
        if (value := getattr(options, name)) is not None:
            shared += [f"--{name}", str(value)]
    parser = make_parser(options.quick)
    for name in NAMES:
        argv = [name, *shared]
        before = measure.cpu_of_all()
        run_one(parser.parse_args(argv), argv)
        print(f"\n{name}: {measure.cpu_of_all() - before:.1f} CPU-s\n", flush=True)
    print(f"all: {measure.cpu_of_all():.1f} CPU-s")


def run_one(options, argv):
    """Run a benchmark, keep its figures and print its tables."""
    measure.set_threads()
    module = module_of(options.name)
    source = data.Source(options.data, QUICK_ROWS if options.quick else None)
    record = results.Record.begin(options.name, quotable(argv))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        module.run(Run(options, source, record, options.quick))
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.out or (Path(temporary) if options.quick else results.FOLDER)
        name = options.name + (f"-{options.tag}" if options.tag else "")
        path = folder / f"{name}.json"
        record.write(path)
        record = results.Record.read(path)
    if not options.quick:
        print(f"\n{path}")
    for title, table in tables.all_tables(record, module.VIEWS):
        print(f"\n{title}\n\n{table}")


def quotable(argv):
    """Return the command as others would type it, without one's own folders."""
    words, skip = [], None
    for word in argv:
        name, joined, _ = word.partition("=")
        if skip is not None:
            words += skip
            skip = None
        elif name in ("--data", "--out"):
            kept = ["--data", "DIR"] if name == "--data" else []
            words += kept if joined else []
            skip = None if joined else kept
        else:
            words.append(shlex.quote(word))
    return " ".join(["python -m benchmarks", *words])


if __name__ == "__main__":
    sys.exit(main())
