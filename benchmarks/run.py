"""What the command hands to a benchmark, and the options that several have."""

import argparse
from dataclasses import dataclass

from benchmarks.data import Source
from benchmarks.peers import OPTIONAL, is_installed
from benchmarks.results import Record, Row

QUICK_ROWS = 150  # at most, of a table
QUICK_EPOCHS = 1


@dataclass
class Run:
    """Options, data, and the record that figures go to."""

    options: argparse.Namespace
    source: Source
    record: Record
    quick: bool = False

    @property
    def seeds(self):
        """The seeds that the options ask for."""
        first = self.options.first_seed
        return range(first, first + self.options.seeds)

    def network(self, seed):
        """Parameters that every network of ours is given."""
        params = {"device": "cpu", "random_state": seed}
        return params | ({"max_epochs": QUICK_EPOCHS} if self.quick else {})

    def fine_tuning(self, seed):
        """Parameters of every network that is fine-tuned."""
        params = {"device": "cpu", "random_state": seed}
        return params | ({"fine_tune_epochs": QUICK_EPOCHS} if self.quick else {})

    def has(self, peer):
        """Whether an optional peer is installed; if not, it is named as missing."""
        if is_installed(peer):
            return True
        if peer not in self.record.missing:
            self.record.missing.append(peer)
            package = OPTIONAL[peer][1]
            print(f"{peer} is left out: {package} is not installed", flush=True)
        return False

    def installed(self, methods):
        """The methods without those whose optional package is not installed."""
        return [name for name in methods if name not in OPTIONAL or self.has(name)]

    def note(self, table, method, seed, figures, case="", draw=0):
        """Keep figures, by measure, and print them while a long run goes on."""
        for measure, value in figures.items():
            row = Row(table, method, case, seed, draw, measure, float(value))
            self.record.rows.append(row)
        if self.quick:
            return
        text = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
        print(f"{table:12} {method:26} {case:12} seed {seed}: {text}", flush=True)


def add_seeds(parser, default):
    """Declare how many seeds there are."""
    parser.add_argument("--seeds", type=int, default=default, help="how many seeds")
    parser.add_argument("--first-seed", type=int, default=0)


def add_sets(parser, default, help="names of tables"):
    """Declare which tables take part."""
    parser.add_argument("--sets", nargs="+", default=default, help=help)


def add_images(parser):
    """Declare which images are learned from."""
    parser.add_argument("--images", choices=("mnist", "digits"), default="mnist")
