"""How messages write names of columns."""

import numpy as np

_MOST_NAMED = 10  # columns in a message


def quoted(name):
    """A name as the user writes it: numpy's numbers without their type."""
    if isinstance(name, tuple):  # of columns with several levels
        return f"({', '.join(map(quoted, name))})"
    return repr(name.item() if isinstance(name, np.generic) else name)


def quoted_names(columns, names):
    """Columns as a message names them: by name, or by number where there is none.

    Of many, the first ten.

    Parameters
    ----------
    columns : iterable of int
        Their positions.
    names : sequence of names, or None
        Of all columns.
    """
    listed = [
        quoted(int(column) if names is None else names[column]) for column in columns
    ]
    if len(listed) > _MOST_NAMED:
        n_others = len(listed) - _MOST_NAMED
        listed[_MOST_NAMED:] = [f"and {n_others} other{'s' if n_others > 1 else ''}"]
    return ", ".join(listed)
