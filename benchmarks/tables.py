"""Markdown tables of recorded figures."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata, t

MIDDLES: dict[str, Callable] = {
    "mean": np.mean,
    "median": np.median,
    "geometric": lambda values: np.exp(np.mean(np.log(values))),
}


@dataclass(frozen=True)
class Measure:
    """How a measure is shown."""

    name: str
    digits: int = 3
    better: str | None = None  # "high" or "low": the best method is bold
    # "error" is the standard error over seeds, "interval" the 95 % confidence interval
    # (t distribution), "deviation" the standard deviation over all seeds and draws.
    spread: str | None = None
    middle: str = "mean"
    signed: bool = False
    method: str | None = None  # of this method alone
    first_case: bool = False  # of the first case alone


@dataclass(frozen=True)
class View:
    """A table: what its lines and columns stand for, and the measures in its cells.

    Figures of several tables are averaged where lines and columns tell no table apart;
    ``omit`` names those that take no part, and ``marked`` those on which defaults were
    chosen.
    """

    lines: tuple[str, ...]
    columns: str  # a field of the rows, or "measure"
    measures: tuple[Measure, ...]
    each: tuple[str, ...] = ()  # fields: a table for each of their values
    beside: tuple[Measure, ...] = ()  # a column each
    footer: tuple[str | Measure, ...] = ()  # "mean", "mean rank", or a measure
    rank_seeds: bool = False  # ranks of each seed, not of means over seeds
    count_best: bool = False  # on how many tables a method is the best
    omit: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()  # tables that get a star, as a line
    names: tuple[str, ...] = ()  # of the first columns, in place of the fields


def markdown(record, view, where=None):
    """Return the table of a view, of the rows that have certain values of fields."""
    return _Grid(record, view, where or {}).markdown()


def all_tables(record, views):
    """Yield title and table of every view that the record has figures for."""
    for name, view in views.items():
        measures = {measure.name for measure in view.measures}
        rows = [row for row in record.rows if row.measure in measures]
        rows = [row for row in rows if row.table not in view.omit]
        for where in _distinct(rows, view.each):
            fixed = dict(zip(view.each, where, strict=True))
            title = ", ".join([name, *where])
            yield title, markdown(record, view, fixed)


def middle(rows, measure):
    """Average over draws, then over seeds, then over tables."""
    if not rows:
        return np.nan
    average = MIDDLES[measure.middle]
    tables = _groups(rows, ("table",)).values()
    return average([average(_by_seed(of_table)) for of_table in tables])


def spread(rows, measure):
    """How far figures of one table are spread; NaN where they are too few to tell."""
    if len({row.table for row in rows}) != 1:
        return np.nan
    if measure.spread == "deviation":
        return np.std([row.value for row in rows])
    by_seed = _by_seed(rows)
    if len(by_seed) < 2:
        return np.nan
    error = np.std(by_seed, ddof=1) / np.sqrt(len(by_seed))
    if measure.spread == "interval":
        return error * t.ppf(0.975, len(by_seed) - 1)
    return error


def number(value, measure, signed=False):
    """Write a number; shares of one as .123."""
    text = f"{value:{'+' if signed else ''}.{measure.digits}f}"
    if measure.digits >= 3 and abs(value) < 1:
        text = text.replace("0.", ".", 1)
    return text


class _Grid:
    def __init__(self, record, view, where):
        self.view = view
        self.rows = [
            row
            for row in record.rows
            if row.table not in view.omit
            and all(getattr(row, name) == value for name, value in where.items())
        ]
        names = {measure.name for measure in view.measures}
        shown = [row for row in self.rows if row.measure in names]
        if not shown:
            raise ValueError(
                f"{record.benchmark} has no figures {sorted(names)} {where}"
            )
        self._check_cases(shown, where)
        others = {measure.name for measure in view.beside if measure.method is None}
        lines = [row for row in self.rows if row.measure in names | others]
        self.lines = _distinct(lines, view.lines)
        if view.columns == "measure":
            self.columns = [m.name for m in view.measures]
        else:
            columns = [value for (value,) in _distinct(shown, (view.columns,))]
            self.columns = sorted(columns, key=_numbers_first)

    def _check_cases(self, shown, where):
        """Refuse to average what is not of one kind."""
        told = {*self.view.lines, self.view.columns, *where}
        for name in {"method", "case"} - told:
            values = {getattr(row, name) for row in shown}
            if len(values) > 1:
                raise ValueError(f"the table needs one {name} of {sorted(values)}")

    def markdown(self):
        view = self.view
        names = view.names or view.lines
        head = [*names, *self.columns, *(measure.name for measure in view.beside)]
        table = [head, ["---"] * len(head)]
        for line in self.lines:
            cells = [self.cell(line, column) for column in self.columns]
            aside = [self.aside(line, measure) for measure in view.beside]
            starred = [f"{name}*" if name in view.marked else name for name in line]
            table.append([*starred, *cells, *aside])
        for i, kind in enumerate(view.footer):
            # What stands beside is averaged in the first of these lines.
            aside = [
                self.aside(None, measure) if i == 0 else "" for measure in view.beside
            ]
            name = kind if isinstance(kind, str) else kind.name
            unnamed = [""] * (len(view.lines) - 1)
            table.append([f"**{name}**", *unnamed, *self.foot(kind), *aside])
        return "\n".join(f"| {' | '.join(cells)} |" for cells in table)

    def at(self, line, column, measure):
        """Rows of a measure in a line (None: in all) and a column (None: in all)."""
        wanted = dict(zip(self.view.lines, line or (), strict=False))
        if column is not None and self.view.columns != "measure":
            wanted[self.view.columns] = column
        if measure.method is not None:
            wanted["method"] = measure.method
        rows = [
            row
            for row in self.rows
            if row.measure == measure.name
            and all(getattr(row, name) == value for name, value in wanted.items())
        ]
        if measure.first_case:
            rows = [row for row in rows if row.case == rows[0].case]
        return rows

    def cell(self, line, column):
        texts = []
        for measure in self.view.measures:
            if self.view.columns == "measure" and measure.name != column:
                continue
            rows = self.at(line, column, measure)
            if rows:
                texts.append(self.text(rows, measure, line, column))
        return " / ".join(texts)

    def text(self, rows, measure, line, column):
        text = number(middle(rows, measure), measure, measure.signed)
        if measure.better and text == self.best(measure, line, column):
            text = f"**{text}**"
        if measure.spread and not np.isnan(width := spread(rows, measure)):
            text += f" ± {number(width, measure)}"
        if self.view.count_best:
            text += f" ({self.times_best(line, column, measure)})"
        return text

    def best(self, measure, line, column):
        """The best of the methods, which are columns or lines."""
        if self.view.columns == "method":
            cells = [self.at(line, other, measure) for other in self.columns]
        else:
            cells = [self.at(other, column, measure) for other in self.lines]
        of_all = [middle(rows, measure) for rows in cells if rows]
        return number(_best(of_all, measure), measure, measure.signed)

    def times_best(self, line, column, measure):
        by_line = {
            other: _groups(self.at(other, column, measure), ("table",))
            for other in self.lines
        }
        count = 0
        for table, rows in by_line[line].items():
            of_all = [
                middle(groups[table], measure)
                for groups in by_line.values()
                if table in groups
            ]
            count += middle(rows, measure) == _best(of_all, measure)
        return count

    def aside(self, line, measure):
        rows = self.at(line, None, measure)
        return number(middle(rows, measure), measure) if rows else ""

    def foot(self, kind):
        """Cells of a line below those of the tables."""
        cells = []
        measures = self.view.measures if isinstance(kind, str) else (kind,)
        if kind == "mean rank":
            ranks = [self.mean_ranks(measure) for measure in measures]
            both = zip(*ranks, strict=True)
            return [" / ".join(f"{rank:.2f}" for rank in of) for of in both]
        for column in self.columns:
            rows = [self.at(None, column, measure) for measure in measures]
            pairs = zip(rows, measures, strict=True)
            cells.append(" / ".join(number(middle(r, m), m) for r, m in pairs if r))
        return cells

    def mean_ranks(self, measure):
        """Mean rank of each method, 1 the best, where all were measured."""
        sign = -1 if measure.better == "high" else 1
        fields = ("table", "seed") if self.view.rank_seeds else ("table",)
        by_column = [_groups(self.at(None, c, measure), fields) for c in self.columns]
        shared = [key for key in by_column[0] if all(key in g for g in by_column)]
        values = [[middle(g[key], measure) for g in by_column] for key in shared]
        return rankdata(sign * np.array(values), axis=1).mean(axis=0)


def _best(values, measure):
    return max(values) if measure.better == "high" else min(values)


def _numbers_first(name):
    """Sort numbers by their size, and leave names behind them in their order."""
    return float(name) if name.isdigit() else np.inf


def _by_seed(rows):
    groups = _groups(rows, ("seed",)).values()
    return [np.mean([row.value for row in of_seed]) for of_seed in groups]


def _groups(rows, names):
    groups: dict = {}
    for row in rows:
        groups.setdefault(tuple(getattr(row, name) for name in names), []).append(row)
    return groups


def _distinct(rows, names):
    return list(_groups(rows, names))
