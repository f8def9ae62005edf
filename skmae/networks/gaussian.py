"""Conditional means of Gaussians, one per member, as a layer without weights."""

import torch
from torch import nn

from skmae.networks.em import is_full, n_loadings
from skmae.networks.weights import normal, ones, zeros

# Of a cell given others that determine it.
_LEAST_VARIANCE = 1e-12


class GaussianMembers(nn.Module):
    """Expected cells given the visible ones, under a Gaussian per member.

    Columns that follow exactly from others make a covariance all but singular, which
    half the digits of float64 would not do to solve for. The loadings may be float32:
    of two that cancel each other the rounding errors are what is squared, too.

    Parameters
    ----------
    n_members, n_columns : int
    """

    mean: torch.Tensor
    loadings: torch.Tensor
    noise: torch.Tensor

    def __init__(self, n_members, n_columns):
        super().__init__()
        width = n_loadings(n_columns)
        self.full = is_full(n_columns)
        # What follows from the Gaussians alone, which steps of training share.
        self._kept: tuple | None = None
        self.register_buffer("mean", zeros(n_members, 1, n_columns))
        self.register_buffer("loadings", zeros(n_members, n_columns, width))
        self.register_buffer("noise", ones(n_members, 1, n_columns))

    def set_member(self, member, gaussian):
        """Take over a fitted :class:`~skmae.networks.em.Gaussian`."""
        self._kept = None
        self.mean[member, 0] = torch.from_numpy(gaussian.mean)
        self.loadings[member] = torch.from_numpy(gaussian.loadings)
        self.noise[member, 0] = torch.from_numpy(gaussian.noise)

    def train(self, mode=True):
        """Begin an epoch of training, or end them."""
        self._kept = None
        return super().train(mode)

    def forward(self, values, visible):
        """Expected cells of each member's rows.

        Parameters
        ----------
        values : (n_members, n_rows, n_columns) tensor
            Standardised; anything finite where hidden.
        visible : (n_members, n_rows, n_columns) float tensor
            1 where visible, 0 where hidden.

        Returns
        -------
        expected : (n_members, n_rows, n_columns) tensor
        """
        seen = exact(visible)
        deviations = exact(values - self.mean) * seen
        if self.full:
            covariance = self.covariance()
            factor = self.visible_factor(seen, covariance)
            weights = solve_factored(factor, deviations.unsqueeze(3)).squeeze(3)
            expected = (weights * seen) @ covariance
        else:
            given = (deviations @ self.scaled()).unsqueeze(3)
            scores = solve_factored(self.score_factor(seen), given).squeeze(3)
            expected = scores @ exact(self.loadings).mT
        return self.mean + expected.to(values)

    def conditional_std(self, visible):
        """Standard deviation of each cell given the visible ones.

        Parameters
        ----------
        visible : (n_members, n_rows, n_columns) float tensor

        Returns
        -------
        std : (n_members, n_rows, n_columns) tensor
            Of hidden cells; meaningless where visible.
        """
        seen = exact(visible)
        if self.full:
            covariance = self.covariance()
            factor = self.visible_factor(seen, covariance)
            covariance = covariance.unsqueeze(1)
            # V S, and L^-1 V S, whose squares sum to what the visible cells explain
            shared = covariance * seen.unsqueeze(3)
            explained = torch.linalg.solve_triangular(factor, shared, upper=False)
            total = covariance.diagonal(dim1=2, dim2=3)
            variance = total - explained.square().sum(dim=2)
        else:
            variance = self.variance_given(self.score_factor(seen), self.products())
        return variance.clamp(min=_LEAST_VARIANCE).sqrt().to(visible)

    def draw(self, n_rows, generator):
        """Draw whole rows from each Gaussian: (n_members, n_rows, n_columns)."""
        n_members, n_columns, width = self.loadings.shape
        scores = normal(n_members, n_rows, width, generator=generator)
        noise = normal(n_members, n_rows, n_columns, generator=generator)
        spread = scores.to(self.mean.device) @ self.loadings.mT
        return self.mean + spread + noise.to(self.mean.device) * self.noise.sqrt()

    def covariance(self):
        """(n_members, n_columns, n_columns); only where there is no noise."""
        return self._shared()[0]

    def visible_factor(self, visible, covariance):
        """Cholesky factor of V S V + (1 - V).

        The visible block of a covariance S, as :meth:`covariance` gives it, beside an
        identity: V is diagonal, 1 where a cell is visible.
        """
        n_rows = visible.shape[1]
        alike = not self.training and n_rows > 1  # masks of training are not
        if alike and bool((visible == visible[:, :1]).all()):
            # What rows have in common is factorised once, as in a single row that was
            # repeated to fill a batch.
            of_one = self.visible_factor(visible[:, :1], covariance)
            return of_one.expand(-1, n_rows, -1, -1)
        both = visible.unsqueeze(3) * visible.unsqueeze(2)
        padded = covariance.unsqueeze(1) * both
        padded.diagonal(dim1=2, dim2=3).add_(1 - visible)
        return torch.linalg.cholesky_ex(padded).L

    def scaled(self):
        """Loadings in units of the noise: (n_members, n_columns, n_factors)."""
        return self._shared()[0]

    def score_factor(self, visible):
        """Cholesky factor of the precision of each row's factors."""
        return self.factor_of(visible @ self.products())

    def products(self):
        """Products of two loadings in units of the noise, of each pair once.

        (n_members, n_columns, n_pairs); sums over visible columns are what
        :meth:`factor_of` takes.
        """
        return self._shared()[1]

    def factor_of(self, precision):
        """Cholesky factor of a precision of factors, 1 for each included.

        (n_members, n_rows, n_pairs) -> (n_members, n_rows, n_factors, n_factors)
        """
        width = self.loadings.shape[2]
        lower = precision.new_zeros(*precision.shape[:2], width, width)
        row, column = _pairs(width, precision.device)
        lower[:, :, row, column] = precision
        lower.diagonal(dim1=2, dim2=3).add_(1.0)
        return torch.linalg.cholesky_ex(lower).L

    def variance_given(self, factor, products):
        """Variance of each column, of a :meth:`score_factor` and :meth:`products`."""
        width = factor.shape[-1]
        one = torch.eye(width, dtype=factor.dtype, device=factor.device)
        root = torch.linalg.solve_triangular(factor, one, upper=False)
        row, column = _pairs(width, factor.device)
        covariance = (root.mT @ root)[:, :, row, column]
        # Pairs of two different factors stand for two entries.
        times = (2 - (row == column).to(factor)) * covariance
        unsure = (times @ products.mT).clamp(min=0)
        return exact(self.noise) * (1 + unsure)

    def _shared(self):
        """Covariances; or scaled loadings, and their products with the loadings."""
        if self._kept is not None:
            return self._kept
        loadings = exact(self.loadings)
        found: tuple
        if self.full:
            found = (loadings @ loadings.mT,)
        else:
            scaled = loadings / exact(self.noise).mT
            row, column = _pairs(loadings.shape[2], loadings.device)
            found = scaled, scaled[:, :, row] * loadings[:, :, column]
        # Not where steps are recorded, which go on reading the memory that they read.
        alone = self.loadings.device.type == "cpu"
        if self.training and alone and not torch.is_inference_mode_enabled():
            self._kept = found
        return found


def _pairs(n_factors, device):
    """Row and column of each entry on or below a diagonal."""
    return torch.tril_indices(n_factors, n_factors, device=device)


def solve_factored(factor, right):
    """Solve L L^T x = right, of a Cholesky factor L and a matrix of right sides."""
    if factor.device.type != "cuda":
        return torch.cholesky_solve(right, factor)
    # There, that is left to a library that waits for the device at every call.
    left = torch.linalg.solve_triangular(factor, right, upper=False)
    return torch.linalg.solve_triangular(factor.mT, left, upper=True)


def exact(x):
    """Float64, which only the CPU has beside an MPS device."""
    return (x.cpu() if x.device.type == "mps" else x).double()
