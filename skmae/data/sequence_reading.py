"""From what users pass as sequences to rows of steps."""

import warnings
from collections.abc import Mapping, Set

import numpy as np

from skmae.data.series_rows import SeriesRows, read_series
from skmae.data.tables import column_names, is_frame
from skmae.data.token_rows import Analyzer, TokenRows, read_tokens


class SequenceReader:
    """Read rows of tokens, or series of unlike lengths.

    Parameters
    ----------
    analyzer : {"char", "word"}, callable or None
        None: rows are series.
    missing_token : str or None
    input_shape : tuple or None
        Of series, (None, n_channels) or (None,).
    max_length : int or None
        Steps beyond are left out, with a warning.
    """

    def __init__(self, analyzer, missing_token, input_shape, max_length):
        self.analyzer = None if analyzer is None else Analyzer(analyzer, missing_token)
        self.input_shape = input_shape
        self.max_length = max_length

    @property
    def n_cells(self):
        """Cells of a step."""
        if self.analyzer is not None or len(self.input_shape) == 1:
            return 1
        return self.input_shape[1]

    def read(self, X):
        """Check rows: TokenRows or SeriesRows."""
        if not hasattr(X, "__iter__"):
            raise ValueError(
                f"X must be an iterable of rows. Got {type(X).__name__} instead."
            )
        self._refuse_what_has_no_rows(X)
        if self.analyzer is not None:
            rows = read_tokens(X, self.analyzer)
        else:
            rows = read_series(X, self.n_cells, self.input_shape)
        return self._cut(rows)

    def _refuse_what_has_no_rows(self, X):
        """Refuse what an iteration does not go through row by row, or in any order."""
        if is_frame(X):
            names = column_names(X)
            wanted = "series of unlike lengths, a list of arrays"
            if self.analyzer is not None:
                wanted = f"the rows for analyzer={self.analyzer.kind!r}, one column"
                wanted += f", such as X[{names[0]!r}]" if names else ""
            raise ValueError(
                f"X must hold {wanted}. Got a DataFrame of {len(names)} column(s)."
            )
        if isinstance(X, (Mapping, Set)):
            raise ValueError(
                "X must be an iterable of rows in an order, such as a list. Got "
                f"{type(X).__name__} instead."
            )

    def read_mask(self, mask, rows):
        """Check a mask over rows: (n_steps, n_cells) bool array, or None.

        Parameters
        ----------
        mask : sequence of bool arrays, one for each row, or None
            Of shape (length,), or with channels (length, n_cells).
        rows : TokenRows or SeriesRows
        """
        if mask is None:
            return None
        mask = list(mask)
        if len(mask) != len(rows):
            raise ValueError(
                f"mask must have a boolean array for each of the {len(rows)} rows of "
                f"X. Got {len(mask)}."
            )
        flat = []
        for i, (of_row, length) in enumerate(zip(mask, rows.lengths, strict=True)):
            cells = np.asarray(of_row)
            if cells.dtype != bool:
                raise ValueError(
                    "mask must hold boolean arrays, True where a cell is hidden. Got "
                    f"dtype {cells.dtype} in row {i}."
                )
            whole = rows.whole_length(i)
            if cells.shape == (whole,):
                cells = np.repeat(cells[:, None], self.n_cells, axis=1)
            if cells.shape != (whole, self.n_cells):
                wanted = f"({whole},)"
                if self.n_cells > 1:
                    wanted += f" or ({whole}, {self.n_cells})"
                raise ValueError(
                    f"mask of row {i} must have the shape of the row, {wanted}. Got "
                    f"{np.shape(of_row)}."
                )
            flat.append(cells[:length])
        return np.concatenate(flat)

    def _cut(self, rows):
        most = self.max_length
        if most is None or rows.lengths.max(initial=0) <= most:
            return rows
        n_long = int((rows.lengths > most).sum())
        warnings.warn(
            f"{n_long} of {len(rows)} rows of X are longer than max_length={most}, the "
            f"longest by {int(rows.lengths.max()) - most} steps: only their first "
            f"{most} are read. Raise max_length, or cut such rows into windows.",
            UserWarning,
            stacklevel=2,
        )
        if isinstance(rows, TokenRows):
            return TokenRows(
                rows.given, [row[:most] for row in rows.tokens], rows.analyzer
            )
        return SeriesRows(rows.given, [row[:most] for row in rows.series])
