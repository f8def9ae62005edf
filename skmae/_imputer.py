"""The masked autoencoder as an imputer."""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.callback import with_callbacks

from skmae._base import BaseMaskedAutoencoder, keep_fitted_on_error
from skmae._compat import _fit_context
from skmae._random import torch_generator
from skmae.data.folds import MemberDataset, deal_folds, fold_of_member
from skmae.masking import fold_masks
from skmae.networks.bins import make_bins
from skmae.networks.em import fit_gaussian
from skmae.networks.imputation import (
    ImputationLoss, ImputationNetwork, columns_of_units, unit_stds)
from skmae.training.build import Settings
from skmae.training.calibration import fit_blend
from skmae.training.held_out import HeldOutCells, HeldOutRows


@dataclass(frozen=True)
class ImputerSettings(Settings):
    n_members: int = 4
    bounds: np.ndarray = None
    centers: np.ndarray = None

    def network(self, layout, seed):
        return ImputationNetwork, {
            "layout": layout, "bounds": self.bounds, "centers": self.centers,
            "n_members": self.n_members,
            "hidden_layer_sizes": self.hidden_layer_sizes,
            "activation": self.activation,
            "piecewise_linear": self.numerical_embedding is not None,
            "seed": seed}

    def criterion(self, layout, never_hides):
        return ImputationLoss, {"layout": layout, "bounds": self.bounds, "centers": self.centers}


class MaskedAutoencoderImputer(OneToOneFeatureMixin, TransformerMixin, BaseMaskedAutoencoder):
    input_shape = None
    patch_size = None
    output_activation = "identity"
    warm_start = False
    early_stopping = False

    def __init__(self, hidden_layer_sizes=(128, 128, 128), *, n_members=4, n_folds=4, n_bins=16, activation="gelu",
        numerical_embedding="piecewise_linear", mask_ratio=(0.1, 0.6), mask_strategy="random",
        scaling="standard", categorical_features="from_dtype", optimizer="adamw", lr=2e-3,
        lr_schedule="cosine", weight_decay=0.05, batch_size=128, max_epochs=40, steps=50, patience=8,
        device="auto", precision="float32", compile=False, callbacks=None, random_state=None, verbose=0):
        for k, v in list(locals().items()):
            if k != "self" and k != "__class__": setattr(self, k, v)

    @keep_fitted_on_error
    @with_callbacks
    def fit(self, X, y=None):
        train = self._fit_rows(X)
        self._calibrate(train)
        return self

    def _settings_for(self, train):
        layout = self._codec.layout_
        numbers = train[:, list(layout.numeric)]
        n = len(layout.numeric)
        units = (numbers - layout.means[:n]) / unit_stds(layout).numpy()[:n]
        b, c = make_bins(units, self.n_bins)
        return ImputerSettings(n_components=self.hidden_layer_sizes[-1], hidden_layer_sizes=self.hidden_layer_sizes,
            activation=self.activation, numerical_embedding=self.numerical_embedding, output_activation="identity",
            batch_norm=False, indicator=True, mask_ratio=self.mask_ratio, mask_strategy=self.mask_strategy,
            mask_value="mean", visible_weight=0., loss="squared_error", optimizer=self.optimizer, lr=self.lr,
            weight_decay=self.weight_decay, batch_size=self.batch_size, precision=self.precision, compile=self.compile,
            n_members=self.n_members, bounds=b, centers=c)

    def _dataset(self, train, weight, device):
        self._folds = deal_folds(len(train), self.n_folds, self._seeds["validation"])
        return MemberDataset(torch.from_numpy(train).to(device), self._folds, self.n_members, self.steps)

    def _before_training(self, net, train):
        layout = self._codec.layout_
        units = expand_units(train, layout)
        seed = self._seeds["codec"]
        whole = fit_gaussian(units, seed)
        self._whole = whole
        module = net.module_
        nf = int(self._folds.max()) + 1
        gs = [fit_gaussian(units[(self._folds != f).numpy()], seed, whole, 10) for f in range(nf)]
        for k in range(self.n_members):
            module.gaussian.set_member(k, gs[fold_of_member(k, self._folds)])
        self._held = HeldOutRows(train, self._folds, self.n_members, net.device)
        gen = torch_generator(self._seeds["scoring"])
        C = train.shape[1]
        self._levels = [fold_masks(C, .15, gen, 1), fold_masks(C, .6, gen, 2)]
        which = torch.randint(len(self._levels[0]), (len(train),), generator=gen)
        mask = self._levels[0][which]
        tgt = torch.from_numpy(units)
        col = columns_of_units(layout)
        counted = (mask[:, col] & ~torch.isnan(tgt))
        tot = tgt[counted].square().sum()
        def loss(m):
            c = self._held.components(m, mask)
            self.trace.append([float((c[...,i]-tgt)[counted].square().sum()/tot) for i in range(3)])
            p = (c[..., 1] + c[..., 2]) / 2
            return float((p - tgt)[counted].square().sum() / tot)
        self.trace = []
        return [HeldOutCells(loss, self.patience)]

    def _calibrate(self, train):
        layout = self._codec.layout_
        units = expand_units(train, layout)
        col = columns_of_units(layout)
        module = self.net_.module_
        seen = ~np.isnan(units)
        for l, masks in enumerate(self._levels):
            comps, cnt, tg = [], [], []
            vis = []
            for mask in masks:
                m = mask.expand(len(train), -1)
                comps.append(self._held.components(module, m).numpy())
                cnt.append(m[:, col].numpy() & seen)
                tg.append(units)
                vis.append((~(m.numpy() | np.isnan(train))).mean())
            self._last = (np.concatenate(comps), np.concatenate(tg), np.concatenate(cnt))
            blend = fit_blend(*self._last, col.numpy())
            module.blend[l] = torch.from_numpy(blend)
            module.blend_visible[l] = float(np.mean(vis))

    def transform(self, X):
        X, values = self._read(X)
        cells = self._as_cells(self._inference().predict(values))
        cells = self._codec.within_range(cells)
        return self._written(X, X, cells, self._missing(X, values), keep_dtype=True)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def expand_units(values, layout):
    n = len(layout.numeric)
    out = np.empty((len(values), layout.n_expanded), dtype=np.float32)
    out[:, :n] = values[:, list(layout.numeric)]
    for column, part in layout.category_slices():
        codes = values[:, column]
        miss = np.isnan(codes)
        onehot = np.eye(part.stop - part.start, dtype=np.float32)[np.where(miss, 0, codes).astype(int)]
        onehot[miss] = np.nan
        out[:, part] = onehot
    return (out - layout.means) / unit_stds(layout).numpy()
