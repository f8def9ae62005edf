"""The masked autoencoder as a generator of rows."""

import numpy as np
import torch

from skmae._base import BaseMaskedAutoencoder
from skmae._guards import keep_fitted_on_error
from skmae._device import predicting
from skmae.generation.network import GeneratorLoss
from skmae.generation.task import GeneratorTask
from skmae.data.batches import fixed_batches
from sklearn.callback import with_callbacks

_ROWS = 512
SHRINK = np.linspace(0, 1.2, 7)


class MaskedAutoencoderGenerator(BaseMaskedAutoencoder):
    """Draft."""

    _own_constraints = {"n_orders": [int], "n_members": [int]}
    scaling = "standard"
    weight_decay = 0.01
    optimizer = "adamw"
    mask_strategy = "random"
    precision = "float32"
    compile = False
    lr_schedule = "cosine"

    def __init__(
        self,
        hidden_layer_sizes="auto",
        *,
        architecture="mlp",
        activation="gelu",
        categorical_features="from_dtype",
        lr=1e-3,
        batch_size="auto",
        max_epochs="auto",
        n_orders=8,
        n_members=4,
        device="auto",
        callbacks=None,
        checkpoint=None,
        random_state=None,
        verbose=0,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.architecture = architecture
        self.activation = activation
        self.categorical_features = categorical_features
        self.lr = lr
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.n_orders = n_orders
        self.n_members = n_members
        self.device = device
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.random_state = random_state
        self.verbose = verbose

    @keep_fitted_on_error
    @with_callbacks
    def fit(self, X, y=None, sample_weight=None):
        task = GeneratorTask(self)
        trained = self._fit_model(task, X, sample_weight)
        self.model_.module.eval()
        self.shrink(trained.train, task.folds(len(trained.train), self.model_.seeds))
        return self

    def shrink(self, values, folds):
        """Find how much of the members' corrections holds on rows left out."""
        model = self.model_
        module, criterion = model.module, model.net.criterion_
        generator = torch.Generator().manual_seed(model.seeds["scoring"])
        total = np.zeros(len(SHRINK))
        folds = folds.numpy()
        for member in range(module.n_members):
            rows = torch.from_numpy(values[folds == member % (folds.max() + 1)][:400])
            for _ in range(8):
                missing = torch.isnan(rows)
                hidden = model.net.sampler.sample(len(rows), ~missing, generator)
                weight = hidden.float() / hidden.sum(1, keepdim=True).clamp(min=1)
                with predicting():
                    out, *given = module.blend(rows.nan_to_num(0.0), hidden | missing, member)
                    for k, share in enumerate(SHRINK):
                        total[k] += float(criterion.log_density(criterion.cells.every(out * share, *given), rows.nan_to_num(0.0), weight))
        self.shrink_curve_ = total
        module.shrinkage.fill_(SHRINK[int(total.argmax())])

    def draw_cells(self, values, seed):
        """Fill the missing cells: (n_rows, n_columns) float32."""
        model = self.model_
        cells, generator = model.module.cells, torch.Generator(model.device).manual_seed(seed)
        done = []
        for part in torch.from_numpy(values).split(_ROWS):
            part = part.clone().to(model.device)
            missing = torch.isnan(part)
            keys = torch.rand(part.shape, generator=generator, device=part.device)
            order = keys.masked_fill(~missing, 2.0).argsort(dim=1)
            n_missing = missing.sum(dim=1)
            for step in range(int(n_missing.max())):
                rows = torch.nonzero(n_missing > step).ravel()
                column = order[rows, step]
                with predicting():
                    of = part[rows]
                    predicted = model.module.blend(of.nan_to_num(0.0), torch.isnan(of))
                    given = cells.single(*predicted, cells.place[column])
                    part[rows, column] = cells.draw(given, generator)[:, 0]
            done.append(part.cpu())
        return torch.cat(done).numpy()

    def sample(self, n_samples=1, random_state=0):
        values = np.full((n_samples, self.n_features_in_), np.nan, np.float32)
        cells = self.draw_cells(values, random_state)
        columns = self.model_.codec.decode(self.model_.codec.within_range(cells))
        return np.stack([c.astype(object) if self.model_.layout.categorical else c for c in columns], axis=1)

    def score_samples(self, X):
        X = self._validate_X(X, reset=False)
        values = self.model_.encode(X)
        return self.log_density(values)

    def log_density(self, values, scores=False):
        model = self.model_
        cells = model.module.cells
        rng = np.random.default_rng(model.seeds["scoring"])
        d = values.shape[1]
        orders = [rng.permutation(d) for _ in range(self.n_orders)]
        total = np.empty((self.n_orders, len(values)))
        for start, n_rows, batch in fixed_batches(torch.from_numpy(values), 256):
            batch = batch.to(model.device)
            missing = torch.isnan(batch)
            filled = batch.nan_to_num(0.0)
            for o, order in enumerate(orders):
                logp = torch.zeros(len(batch), dtype=torch.float64)
                hidden = torch.ones_like(missing)
                for column in order:
                    with predicting():
                        columns = cells.place[column].expand(len(batch))
                        predicted = model.module.blend(filled, hidden | missing)
                        given = cells.single(*predicted, columns)
                        cell = cells.log_density(given, filled[:, [column]])[:, 0]
                    logp += torch.where(missing[:, column], 0.0, cell).double()
                    hidden[:, column] = False
                total[o, start : start + n_rows] = logp[:n_rows]
        return np.logaddexp.reduce(total, axis=0) - np.log(self.n_orders)
