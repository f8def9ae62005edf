"""Conditional means of Gaussians, one per member, as a layer without weights."""

import torch
from torch import nn

from skmae.networks.em import is_full, n_loadings


class GaussianMembers(nn.Module):
    """Expected cells given the visible ones, under a Gaussian per member.

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
        self.register_buffer("mean", torch.zeros(n_members, 1, n_columns))
        self.register_buffer("loadings", torch.zeros(n_members, n_columns, width))
        self.register_buffer("noise", torch.ones(n_members, 1, n_columns))

    def set_member(self, member, gaussian):
        """Take over a fitted :class:`~skmae.networks.em.Gaussian`."""
        self.mean[member, 0] = torch.from_numpy(gaussian.mean)
        self.loadings[member] = torch.from_numpy(gaussian.loadings)
        self.noise[member, 0] = torch.from_numpy(gaussian.noise)

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
        deviations = (values - self.mean) * visible
        if self.full:
            covariance = self._covariance()
            # V S V + (1 - V): the visible block of S beside an identity
            padded = covariance * (visible.unsqueeze(3) * visible.unsqueeze(2))
            padded.diagonal(dim1=2, dim2=3).add_(1 - visible)
            factor = torch.linalg.cholesky_ex(padded).L
            weights = torch.cholesky_solve(deviations.unsqueeze(3), factor).squeeze(3)
            return torch.baddbmm(self.mean, weights * visible, covariance.squeeze(1))
        scores = self._scores(deviations, visible)
        return torch.baddbmm(self.mean, scores, self.loadings.mT)

    def _covariance(self):
        """(n_members, 1, n_columns, n_columns)."""
        return (self.loadings @ self.loadings.mT).unsqueeze(1)

    def _scores(self, deviations, visible):
        """Expected factors: (n_members, n_rows, n_factors)."""
        n_members, n_columns, width = self.loadings.shape
        scaled = self.loadings / self.noise.mT
        products = scaled.unsqueeze(3) * self.loadings.unsqueeze(2)
        products = products.reshape(n_members, n_columns, -1)
        precision = (visible @ products).unflatten(2, (width, width))
        precision.diagonal(dim1=2, dim2=3).add_(1.0)
        factor = torch.linalg.cholesky_ex(precision).L
        given = (deviations @ scaled).unsqueeze(3)
        return torch.cholesky_solve(given, factor).squeeze(3)
