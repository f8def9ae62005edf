"""Channels of unlike scales, with a scale each, under one scale, and as columns.

Series of three waves that follow each other, of sizes 1, .01 and 50 +- 20. Of half of
the test rows the second wave is turned upside down: AUROC of the detector. Of all of
them 6 of 24 steps are missing: error of what is restored of that wave, in its standard
deviations, and the score of the transformer.
"""

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.run import add_seeds
from benchmarks.tables import Measure, View
from skmae import MaskedAutoencoderDetector, MaskedAutoencoderTransformer

LENGTH = 24
SHAPE = {"input_shape": (LENGTH, 3)}
KINDS = {
    "columns": {},
    "input_shape": SHAPE,
    "channel_axis": SHAPE | {"channel_axis": 1},
}
QUICK = {"seeds": 1}
VIEWS = {
    "channels": View(
        ("method",), "measure", (Measure("AUROC"), Measure("error"), Measure("score"))
    )
}


def add_options(parser):
    add_seeds(parser, 3)


def make_waves(n_rows, seed):
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 2 * np.pi, (n_rows, 1)) + np.arange(LENGTH) / 3
    waves = np.stack([np.sin(phase + shift) for shift in range(3)], axis=2)
    waves += 0.05 * rng.normal(size=waves.shape)
    return waves * [1.0, 0.01, 20.0] + [0.0, 0.0, 50.0]


def judge(train, test, shape, params):
    train, turned, holed = train.copy(), test.copy(), test.copy()
    strange = np.arange(len(test)) % 2 == 1
    turned[strange, :, 1] *= -1
    holed[:, 8:14] = np.nan
    train, turned, holed, whole = (
        rows if shape else rows.reshape(len(rows), -1)
        for rows in (train, turned, holed, test)
    )
    detector = MaskedAutoencoderDetector(**shape, **params).fit(train)
    mae = MaskedAutoencoderTransformer(**shape, **params).fit(train)
    missed = (mae.restore(holed).reshape(test.shape) - test)[:, 8:14, 1]
    return {
        "AUROC": roc_auc_score(strange, -detector.score_samples(turned)),
        "error": np.sqrt(np.mean(missed**2)) / test[:, :, 1].std(),
        "score": mae.score(whole),
    }


def run(run):
    for seed in run.seeds:
        train, test = make_waves(400, seed), make_waves(100, 100 + seed)
        for kind, shape in KINDS.items():
            run.note("waves", kind, seed, judge(train, test, shape, run.network(seed)))
