"""What a network says of the cells of a row.

A prediction is one tensor, in which outputs follow each other: a number for each
numeric column, then a logit for each category of one categorical column after the
other. An output knows which columns it is of, where it stands in a prediction, and what
its numbers mean; nobody else does.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


class Numbers(nn.Module):
    """Numeric columns, each predicted as a point.

    A point is no distribution, so that there is no ``log_prob``.

    Parameters
    ----------
    layout : Layout
    """

    columns: torch.Tensor

    def __init__(self, layout):
        super().__init__()
        self.n_out = len(layout.numeric)
        self.part = slice(0, self.n_out)
        self.are_all = not layout.categorical
        columns = torch.from_numpy(np.array(layout.numeric, dtype=np.int64))
        self.register_buffer("columns", columns, persistent=False)

    def of(self, cells):
        """These columns: (n_rows, n_columns) -> (n_rows, n_out)."""
        return cells if self.are_all else cells.index_select(1, self.columns)

    def loss(self, out, values, cell_loss, unit=None):
        """Loss of each cell, of errors in a unit: (n_rows, n_out)."""
        targets = self.of(values)
        if unit is None:
            return cell_loss(out, targets)
        errors = (out - targets) / unit
        return cell_loss(errors, torch.zeros_like(errors))

    def mean(self, out):
        """The predicted numbers themselves."""
        return out

    def sample(self, mean, errors):
        """Draw numbers around their predictions, of errors that were drawn."""
        return mean + errors


class Category(nn.Module):
    """One categorical column: the logits of its categories.

    Parameters
    ----------
    column : int
    part : slice
        Its place in a prediction.
    """

    def __init__(self, column, part):
        super().__init__()
        self.column = column
        self.part = part
        self.n_out = part.stop - part.start

    def loss(self, out, values):
        """Cross-entropy of each row: (n_rows, n_columns) -> (n_rows,)."""
        indices = values[:, self.column].long()
        return F.cross_entropy(out, indices, reduction="none")

    def log_prob(self, out, values):
        """Log-probability of the category in each row."""
        return -self.loss(out, values)

    def mean(self, out):
        """Probabilities of the categories."""
        return out.softmax(dim=-1)

    def squared_error(self, mean, values):
        """Squared distance of probabilities from the category: (n_rows,).

        NaN where missing.
        """
        indices = values[:, self.column]
        missing = torch.isnan(indices)
        target = F.one_hot(indices.masked_fill(missing, 0.0).long(), self.n_out)
        distance = (mean - target).square().sum(dim=1)
        return distance.masked_fill(missing, torch.nan)

    def sample(self, mean, rng):
        """Draw categories from their probabilities: (n_rows,) int array."""
        cumulative = mean.cumsum(axis=1)
        threshold = rng.random((len(mean), 1)) * cumulative[:, -1:]
        return (cumulative <= threshold).sum(axis=1)


class Outputs(nn.Module):
    """All that a network predicts of a row.

    Parameters
    ----------
    layout : Layout
    """

    stds: torch.Tensor
    training_means: torch.Tensor

    def __init__(self, layout):
        super().__init__()
        self.n_columns, self.n_out = layout.n_columns, layout.n_expanded
        self.numbers = Numbers(layout)
        self.categories = [
            Category(column, part) for column, part in layout.category_slices()
        ]
        for name in ("stds", "means"):
            tensor = torch.from_numpy(getattr(layout, name).copy())
            name = "stds" if name == "stds" else "training_means"
            self.register_buffer(name, tensor, persistent=False)

    def activated(self, predicted, activation):
        """A prediction whose numbers went through an activation."""
        if isinstance(activation, nn.Identity):
            return predicted
        numbers = predicted[:, self.numbers.part]
        return torch.cat([activation(numbers), predicted[:, self.numbers.n_out :]], 1)

    def total_loss(self, of_numbers, predicted, values, weight):
        """Sum of the weighted losses of all cells.

        Parameters
        ----------
        of_numbers : (n_rows, n_numeric) tensor
            Losses of numbers.
        predicted : (n_rows, n_out) tensor
        values, weight : (n_rows, n_columns) tensors
        """
        total = (of_numbers * self.numbers.of(weight)).sum()
        for category in self.categories:
            loss = category.loss(predicted[:, category.part], values)
            total = total + (loss * weight[:, category.column]).sum()
        return total

    def means(self, predicted):
        """Expected numbers, and probabilities of categories: (n_rows, n_out)."""
        if not self.categories:
            return predicted
        means = predicted.clone()
        for category in self.categories:
            means[:, category.part] = category.mean(predicted[:, category.part])
        return means

    def errors(self, means, values):
        """Squared error of every cell in units of its column's variance.

        Predicting the training mean costs 1 on average, in numeric columns and, with
        the squared distance between probabilities and indicator (the Brier score), in
        categorical ones.

        Parameters
        ----------
        means : (n_rows, n_out) tensor
        values : (n_rows, n_columns) tensor

        Returns
        -------
        errors : (n_rows, n_columns) tensor
            NaN where a cell is missing.
        """
        if not self.categories:
            return ((means - values) / self.stds).square()
        errors = torch.empty_like(values)
        numbers = means[:, self.numbers.part] - self.numbers.of(values)
        errors[:, self.numbers.columns] = numbers.square()
        for category in self.categories:
            squared = category.squared_error(means[:, category.part], values)
            errors[:, category.column] = squared
        return errors / self.stds.square()

    def likeliest(self, means):
        """The number or category that each cell most likely is.

        (n_rows, n_out) -> (n_rows, n_columns) float32 array
        """
        if not self.categories:
            return means
        cells = np.empty((len(means), self.n_columns), dtype=np.float32)
        cells[:, self.numbers.columns.cpu().numpy()] = means[:, self.numbers.part]
        for category in self.categories:
            cells[:, category.column] = means[:, category.part].argmax(axis=1)
        return cells

    def sample(self, means, numbers, rng):
        """Draw categories, beside numbers that were drawn.

        Parameters
        ----------
        means : (n_rows, n_out) array
        numbers : (n_rows, n_numeric) array
        rng : numpy.random.Generator

        Returns
        -------
        cells : (n_rows, n_columns) float64 array
        """
        cells = np.empty((len(means), self.n_columns))
        cells[:, self.numbers.columns.cpu().numpy()] = numbers
        for category in self.categories:
            cells[:, category.column] = category.sample(means[:, category.part], rng)
        return cells


class CellNetwork(nn.Module):
    """What every network that predicts cells has.

    ``forward(values, hidden, replacement=None)`` gives a prediction, which consists of
    ``outputs``. Networks with a code also have ``encode(values, hidden)`` and
    ``decode(code)``, and may have ``walks``, what else is told from a code.

    Parameters
    ----------
    layout : Layout

    Attributes
    ----------
    n_tokens : int
        Parts of a row that pass through the layers one by one.
    """

    n_tokens = 1
    encode: Callable[..., torch.Tensor]
    walks: nn.Module | None

    def __init__(self, layout):
        super().__init__()
        self.outputs = Outputs(layout)
        self.walks = None

    def features(self, values, hidden):
        """Code of rows and what stands behind it: (n_rows, n_features)."""
        code = self.encode(values, hidden)
        return code if self.walks is None else torch.cat([code, self.walks(code)], 1)

    def means(self, values, hidden):
        """Expected numbers, and probabilities of categories: (n_rows, n_expanded)."""
        return self.outputs.means(self(values, hidden))

    def means_of_all(self, values, hidden, learned_parts):
        """As :meth:`means`, and as good of cells of visible units as it can be.

        ``learned_parts``: whether parts of units were hidden in training.
        """
        return self.means(values, hidden)

    def side_by_side(self, n_members):
        """Several such networks to be trained at once, or None: one after the other."""
        return None
