"""What fine-tuning does with rows of unlike lengths."""

from dataclasses import replace

import torch
from torch.nn import functional as F

from skmae._device import predicting
from skmae.data.batches import fixed_batches
from skmae.data.sequence_batches import SequenceDataset
from skmae.semi_supervised.fine_tuning import LabelledBatch
from skmae.semi_supervised.heads import HeadedSequences
from skmae.semi_supervised.sequence_summaries import channel_summaries, count_ngrams
from skmae.training.inference import BATCH_ROWS
from skmae.training.sequence_inference import SequenceInference

# Of peptides, 1500 steps classify no better than this, with 100 labels or with all.
_ENOUGH_STEPS = 600
# Cells of a vector register; the widths of matrix products are multiples of it.
_EVEN_WIDTH = 16


class SequenceRows:
    """As :class:`~skmae.semi_supervised.rows.TableRows`, of Sequences."""

    headed = HeadedSequences

    def body(self, spec, never_hides):
        """The network to fine-tune; where nothing is hidden it predicts all steps."""
        return replace(spec, predicts_all=spec.predicts_all or bool(never_hides))

    def least_steps(self, n_steps):
        """Steps that fine_tune_epochs="auto" makes at least, of those for tables."""
        return min(n_steps, _ENOUGH_STEPS)

    def codes(self, model, values):
        """Codes by an encoder: (n_rows, n_components)."""
        return model.inference().encode(values)

    def cells(self, model, values):
        """What simple teachers read beside codes: (n_rows, n_features)."""
        if model.layout.categorical:
            return count_ngrams(values)
        return channel_summaries(values)

    def on_device(self, values, device):
        """Nothing yet: batches are padded one at a time."""
        return values

    def dataset(self, values, targets, weight, visits):
        """Rows, their targets on a device, and positions to visit in an epoch."""
        return LabelledSequences(values, targets, weight, visits)

    @staticmethod
    def outputs(module, values, device):
        """What a headed network says of rows: (n_rows, n_outputs) tensor."""
        module.eval()
        codes = torch.from_numpy(SequenceInference(module.body, device).encode(values))
        # Of a width that is odd, and codes here are, the place of a row in a batch
        # decides how its products are added up: zeros make it even.
        more = (0, -codes.shape[1] % _EVEN_WIDTH)
        weights = F.pad(module.head.weight.detach(), more)
        outputs = []
        for _, n_rows, batch in fixed_batches(F.pad(codes, more), BATCH_ROWS):
            with predicting():
                batch = F.linear(batch.to(device), weights, module.head.bias)
            outputs.append(batch[:n_rows])
        return torch.cat(outputs)


class LabelledSequences(SequenceDataset):
    """Sequences with targets, of which some come up more than once in an epoch.

    Parameters
    ----------
    sequences : Sequences
    targets : (n_rows, n_outputs) float32 tensor
    weight : (n_rows,) float32 tensor
        0 for rows that have no target, and serve reconstruction only.
    visits : (n_visits,) int array
        Positions of the rows of an epoch.
    """

    def __init__(self, sequences, targets, weight, visits):
        super().__init__(sequences, weight, targets.device)
        self.targets = targets
        self.visits = visits

    def __len__(self):
        return len(self.visits)

    @property
    def lengths(self):
        """Steps of what comes up in an epoch: (n_visits,) int array."""
        return self.sequences.lengths[self.visits]

    def __getitem__(self, visits):
        """Some visits, padded to the longest row of them."""
        rows = self.visits[visits]
        values, weight = super().__getitem__(rows)
        return LabelledBatch(values, self.targets[rows], weight)
