"""What a network says of steps, each of which is like the row of a table."""

import torch

from skmae.networks.losses import MaskedLoss
from skmae.networks.outputs import Outputs

_LEAST_PROBABILITY = 1e-30


class StepOutputs(Outputs):
    """Numbers of series, as in tables, or tokens.

    The error of a token is its negative log-likelihood in units of the entropy of the
    training frequencies, so that to predict those costs 1 on average.

    Parameters
    ----------
    layout : Layout
        Of a step.
    """

    def __init__(self, layout):
        super().__init__(layout)
        self.entropy = 1.0
        if self.categories:
            means = self.training_means.double()
            entropy = float(-(means * means.log()).sum())
            self.entropy = entropy if entropy > 1e-6 else 1.0

    def errors(self, means, values):
        """Error of every cell: (n_steps, n_out), (n_steps, n_cells) -> like values.

        NaN where a cell is missing.
        """
        if not self.categories:
            return super().errors(means, values)
        missing = torch.isnan(values)
        index = values.masked_fill(missing, 0.0).long()
        of_token = means.gather(1, index).clamp(min=_LEAST_PROBABILITY)
        return (-of_token.log() / self.entropy).masked_fill(missing, torch.nan)

    def surprise(self, means, values):
        """How much more surprising a token is than the prediction leads to expect.

        That is its negative log-likelihood minus the entropy of the prediction, in
        nats, so that where nothing can be known nothing is surprising. Of numbers, the
        squared error. Like :meth:`errors` otherwise.
        """
        errors = self.errors(means, values)
        if not self.categories:
            return errors
        of_all = means.clamp(min=_LEAST_PROBABILITY)
        expected = -(means * of_all.log()).sum(dim=1, keepdim=True)
        return errors * self.entropy - expected


def asked_steps(values, hidden, every):
    """Steps to predict in training: (n_rows, length) bool tensor.

    Parameters
    ----------
    values : (n_rows, length, n_cells) tensor
    hidden : (n_rows, length, n_cells) bool tensor
        Missing cells may be left out.
    every : bool
        All steps, not only those with a hidden cell.
    """
    real = ~torch.isposinf(values).any(dim=2)
    if every:
        return real
    return real & (hidden | torch.isnan(values)).any(dim=2)


class StepLoss(MaskedLoss):
    """Loss of the steps that a network was asked for.

    Parameters
    ----------
    layout, loss, visible_weight :
        See :class:`~skmae.networks.losses.MaskedLoss`.
    """

    def forward(self, predicted, values, hidden, observed=None, row_weight=None):
        """Mean loss of a batch.

        Parameters
        ----------
        predicted : (n_asked, n_expanded) tensor
        values, hidden, observed : (n_rows, length, n_cells) tensors
            ``observed`` is always given, as rows end at different steps.
        row_weight : (n_rows,) tensor or None

        Returns
        -------
        loss : scalar tensor
        """
        asked = asked_steps(values, hidden, self.visible_weight > 0)
        if row_weight is not None:
            row_weight = row_weight[:, None].expand_as(asked)[asked]
        return super().forward(
            predicted, values[asked], hidden[asked], observed[asked], row_weight
        )
