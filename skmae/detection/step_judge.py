"""How rows of unlike lengths are judged: surprise of hidden steps."""

import numpy as np

from skmae.detection.steps import JudgedSteps, StepAttribution
from skmae.training.sequence_inference import SequenceInference

# Rows to calibrate on, and their most steps.
_MAX_REFERENCE = 4096
_MAX_STEPS = 2**18
_LEAST_REFERENCE = 256


class StepJudge:
    """Judge rows that are sequences; see :class:`~.table_judge.TableJudge`.

    Parameters
    ----------
    model : FittedModel
        Whose network is a SequenceEnsemble.
    """

    def __init__(self, model):
        self.model = model
        self.members = [
            SequenceInference(member, model.device) for member in model.module.members
        ]
        self.ratio = model.scoring_masks

    def most_rows(self, values):
        """Training rows to calibrate on, at most."""
        most = int(_MAX_STEPS / values.lengths.mean())
        return min(_MAX_REFERENCE, max(most, _LEAST_REFERENCE))

    def attribution(self):
        """What makes scores of judged rows, to be calibrated."""
        outputs = self.model.module.members[0].outputs
        if not outputs.categories:
            return StepAttribution(None)
        # Beyond what the training frequencies lead to expect.
        rarity = self.model.codec.vocabulary_.surprise_of_others
        return StepAttribution(rarity - outputs.entropy)

    def training_rows(self, values, folds):
        """Judge Sequences by members that left them out: JudgedSteps."""
        surprise = np.empty(values.cells.shape)
        for k in np.unique(folds):
            rows = np.flatnonzero(folds == k)
            of_rows = self.members[k].surprise_while_hidden(values[rows], self.ratio)
            surprise[values.steps_of(rows)] = of_rows
        return _judged(values, np.isnan(values.cells), surprise)

    def new_rows(self, values, missing=None):
        """Judge Sequences by all members: JudgedSteps.

        Parameters
        ----------
        values : Sequences
        missing : (n_steps, n_cells) bool array or None
            Cells without a value. None: all that are NaN; otherwise others of these
            are tokens that are not known.
        """
        if missing is None:
            missing = np.isnan(values.cells)
        surprise = np.zeros(values.cells.shape)
        for member in self.members:
            surprise += member.surprise_while_hidden(values, self.ratio)
        return _judged(values, missing, surprise / len(self.members))

    def expected_cells(self, values, judged):
        """What new rows were expected to be: (n_steps, n_cells) array, encoded.

        Of numbers the mean of the members, of tokens what most of them expect.
        """
        cells = np.stack(
            [member.cells_while_hidden(values, self.ratio) for member in self.members]
        )
        if self.model.module.members[0].outputs.categories:
            votes = (cells == cells[:, None]).sum(axis=0)
            most = votes.argmax(axis=0, keepdims=True)
            return np.take_along_axis(cells, most, axis=0)[0]
        return cells.mean(axis=0)

    def totals(self, blame, values):
        """Sum of the blame of each row: (n_rows,) array."""
        return values.per_row(blame.sum(axis=1))


def _judged(values, missing, surprise):
    unseen = np.isnan(values.cells) & ~missing
    return JudgedSteps(values, surprise, ~missing, unseen)
