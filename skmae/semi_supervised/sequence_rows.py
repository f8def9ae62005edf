"""What fine-tuning does with rows of unlike lengths."""

from dataclasses import replace

import numpy as np
import torch

from skmae._device import predicting
from skmae.data.batches import fixed_batches
from skmae.data.sequence_batches import SequenceDataset
from skmae.semi_supervised.fine_tuning import LabelledBatch
from skmae.semi_supervised.heads import HeadedSequences
from skmae.semi_supervised.sequence_summaries import channel_summaries, count_ngrams
from skmae.training.inference import BATCH_ROWS
from skmae.training.sequence_inference import SequenceInference


class SequenceRows:
    """As :class:`~skmae.semi_supervised.rows.TableRows`, of Sequences."""

    headed = HeadedSequences

    def body(self, spec, never_hides):
        """The network to fine-tune; where nothing is hidden it predicts all steps."""
        return replace(spec, predicts_all=spec.predicts_all or bool(never_hides))

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
        # In batches of their own, which are all equally tall: what a linear layer says
        # of a row may depend, in the last bits, on the height of a batch.
        codes = torch.from_numpy(SequenceInference(module.body, device).encode(values))
        outputs = []
        for _, n_rows, batch in fixed_batches(codes, BATCH_ROWS):
            with predicting():
                outputs.append(module.head(batch.to(device))[:n_rows])
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
