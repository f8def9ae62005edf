"""Columns that are read as categories and seem to be something else."""

import re
import warnings
from numbers import Number

import numpy as np

from skmae.data.quoting import quoted_names

# Where the mean category has fewer rows than this and there are more categories than
# _MANY, most are too rare to learn anything of: names, free text, identifiers. The
# states of a country or the makes of a car are not, even in a few hundred rows.
_FEW_ROWS = 3
_MANY = 60
# Each category is an input and an output of the network: so many make it slow, however
# many rows there are. Ordinary categories are far fewer.
_TOO_MANY = 1000
# Text with more different numbers than this holds no codes: the days of a month are
# 31. With a decimal point or comma fewer are enough, since codes have none.
_MANY_NUMBERS, _MANY_DECIMALS = 31, 9
# What may stand among them for "unknown": so many marks, or this share of the numbers.
_MARKS, _MARKS_SHARE = 3, 0.1
# Numbers but for codes that begin with 0, such as postal codes. They may have a comma
# for the decimal point, or one after each thousand.
_NUMBER = re.compile(
    r"\s*[-+]?(?!0\d)(\d+\.?\d*|\.\d+|\d+,\d+|\d{1,3}(,\d{3})+(\.\d*)?)"
    r"([eE][-+]?\d+)?\s*"
)

# What missing values become where they are turned into strings. "None" is left out, as
# it often is a category.
_LOST = {"nan", "NaN", "NaT", "<NA>"}

_MOST_NAMES = 5  # of columns in a warning
_MOST_EXAMPLES = 3  # of categories

# So many cells of two categories or more are hardly all unknown by chance.
_ENOUGH_CELLS = 10

TO_NUMBERS = (
    "skrub's TableVectorizer(low_cardinality='passthrough') before this estimator "
    "turns dates and free text into numbers and leaves categories as they are: see "
    '"From a CSV file to predictions" in the user guide.'
)


def warn_of_doubtful(categories, n_observed, text, names):
    """Warn of numbers and missing values that came as text, and of rare categories.

    Parameters
    ----------
    categories : dict of int to array
        Categories of each categorical column.
    n_observed : dict of int to int
        Observed cells of these columns.
    text : (n_columns,) bool array
        Columns that are categories only because they are text; the others were named
        as categories.
    names : dict of int to str
        Names of these columns, quoted.
    """
    as_text, many, lost = [], [], []
    commas = ""
    for column, values in categories.items():
        others = _marks_among_numbers(values) if text[column] else None
        n, n_rows = len(values), n_observed[column]
        if others is not None:
            but = "all" if not others else f"all but {len(others)}"
            such = f" (not {', '.join(map(repr, others[:3]))})" if others else ""
            if any("," in value for value in set(values.tolist()).difference(others)):
                commas = " Their commas are read by decimal=',' or thousands=',' of "
                commas += "pandas.read_csv, and by str.replace(',', '.')."
            as_text.append(
                f"{but} of {n} categories of {names[column]} are numbers{such}"
            )
        elif n > _TOO_MANY or (n > _MANY and n * _FEW_ROWS > n_rows):
            many.append(f"column {names[column]} has {n} categories in {n_rows} rows")
        marks = _LOST.intersection(values.tolist()) if text[column] else ()
        if others is None and marks:
            lost.append(f"column {names[column]} holds the string {min(marks)!r}")
    if as_text:
        _warn(
            as_text,
            "They are read as categories, which have no order. If they are meant as "
            "numbers, convert them first, for example by "
            "pandas.to_numeric(X[column], errors='coerce'); if they are categories, "
            f"say so by the dtype category or by categorical_features.{commas}",
        )
    if many:
        _warn(
            many,
            "Little is learned of categories that rare or that many, and each is an "
            "input and an output of the network. Leave the column out if it only names "
            f"the rows, or turn it into numbers: {TO_NUMBERS}",
        )
    if lost:
        _warn(
            lost,
            "Missing values that are turned into strings look like that, and are read "
            "as a category here. If they are missing, put NaN or None in their place, "
            "for example by X[column].replace('nan', None); if they are a category, "
            "say so by the dtype category or by categorical_features.",
        )


def _warn(clauses, advice):
    listed = clauses[:_MOST_NAMES]
    if len(clauses) > _MOST_NAMES:
        listed.append(f"and likewise {len(clauses) - _MOST_NAMES} more columns")
    text = ", ".join(listed)
    warnings.warn(f"{text[0].upper()}{text[1:]}. {advice}", UserWarning, stacklevel=3)


def warn_of_unknown(cells, categories, where):
    """Warn of cells of which none is a category, as they seem to be written otherwise.

    They are of another type, or so many that chance does not explain it.

    Parameters
    ----------
    cells : list
        Of one column, none of them missing, none of them a category.
    categories : (n_categories,) array
        Those of fit.
    where : str
        What holds the cells.
    """
    known = categories.tolist()
    kinds, seen = ({_kind(cell) for cell in of} for of in (cells, known))
    if not kinds & seen:
        held = f"holds {_kind(cells[0])}s, such as {cells[0]!r}, and held "
        held += f"{_kind(known[0])}s in fit, such as {known[0]!r}"
    elif len(cells) >= _ENOUGH_CELLS and len(set(cells)) > 1:
        held = f"holds {_examples(cells)}, and held {_examples(known)} in fit"
    else:
        return
    warnings.warn(
        f"{where} {held}. So none of these is known, and all of them count as missing. "
        "If they are written otherwise than in fit, convert them to what they were.",
        UserWarning,
        stacklevel=2,
    )


def warn_of_new(categories, names):
    """Warn of categories in rows to train on further.

    Parameters
    ----------
    categories : dict of int to list
        New ones of each column that has any.
    names : dict of int to str
        Names of these columns, quoted.
    """
    if not categories:
        return
    found = [
        f"{_examples(new)} in column {names[column]}"
        for column, new in categories.items()
    ]
    _warn(
        found,
        "Such categories are unknown, as they were not there when categories were "
        "learned, and count as missing. Let the rows of the first fit hold all "
        "categories, or fit anew.",
    )


def warn_of_new_tokens(tokens):
    """Warn of tokens, a list, that are new in rows to train on further."""
    if not tokens:
        return
    _warn(
        [f"X holds {_examples(tokens)}"],
        "Such tokens are unknown, as they were not there when tokens were learned, and "
        "count as missing. Let the rows of the first fit hold all tokens, or fit anew.",
    )


def _examples(categories):
    """Some of the categories, as messages show them."""
    different = list(dict.fromkeys(categories))
    shown = ", ".join(map(repr, different[:_MOST_EXAMPLES]))
    n_others = len(different) - _MOST_EXAMPLES
    return f"{shown} and {n_others} more" if n_others > 0 else shown


def _kind(cell):
    if isinstance(cell, (np.bool_, Number)):  # True is 1 to Python, as to a network
        return "number"
    return "string" if isinstance(cell, (str, bytes)) else type(cell).__name__


def _marks_among_numbers(categories):
    """Categories that are no numbers, if almost all others are numbers; else None."""
    strings = [value for value in categories.tolist() if isinstance(value, str)]
    if len(strings) < len(categories):
        return None
    numbers = [value for value in strings if _NUMBER.fullmatch(value)]
    decimals = any("." in value or "," in value for value in numbers)
    enough = _MANY_DECIMALS if decimals else _MANY_NUMBERS
    n_others = len(strings) - len(numbers)
    if len(numbers) <= enough or n_others > max(_MARKS, _MARKS_SHARE * len(numbers)):
        return None
    return [value for value in strings if not _NUMBER.fullmatch(value)]


def advice_on(cells, names=None):
    """Advice about the first string, date or infinity among numbers: a sentence or "".

    Parameters
    ----------
    cells : (n_rows, n_columns) array
    names : sequence of names, or None
        Of the columns; None: their numbers.
    """
    if cells.ndim == 2 and cells.dtype.kind == "f":
        infinite = np.flatnonzero(np.isinf(cells).any(axis=0))
        if len(infinite) == 0:
            return ""
        first = int(infinite[0])
        return f"The first is in column {quoted_names([first], names)}."
    if cells.ndim != 2 or cells.dtype.kind not in "OUS":
        return ""
    for j, column in enumerate(cells.T):
        for cell in column.tolist():
            where = f"{cell!r} in column {quoted_names([j], names)}"
            if isinstance(cell, (str, bytes)) and not _is_number(cell):
                return (
                    f"X holds strings, such as {where}. Name columns of categories in "
                    "categorical_features, or pass a DataFrame, of which columns of "
                    f"strings are categories; {TO_NUMBERS}"
                )
            if hasattr(cell, "isoformat") or isinstance(
                cell, (np.datetime64, np.timedelta64)
            ):
                return f"X holds dates or times, such as {where}: {TO_NUMBERS}"
    return ""


def _is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True
