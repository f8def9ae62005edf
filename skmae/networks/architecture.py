"""What an architecture is: its defaults, its checks and how to build it."""

from typing import Any, ClassVar, NamedTuple

import numpy as np

from skmae.data.grid import UnitGrid
from skmae.networks.layers import InputLayer


class Reading(NamedTuple):
    """Of which cells a network reads and predicts numbers.

    Attributes
    ----------
    column_of_input, column_of_output : int arrays
        Column that each number belongs to.
    grid : UnitGrid
    shared : bool
        Whether all units are alike, being patches.
    """

    column_of_input: np.ndarray
    column_of_output: np.ndarray
    grid: UnitGrid
    shared: bool


class Architecture:
    """A kind of network, for every role.

    Subclasses are listed in :mod:`skmae.networks.architectures`.

    Attributes
    ----------
    auto : dict of str to pair
        What "auto" stands for in a network with a code, found by measurement: for
        small rows and tables, and for large rows.
    member_sizes : tuple of int
        ``hidden_layer_sizes="auto"`` of the members of an ensemble.
    decodes_codes : bool
        Whether the decoder has to learn apart to do with a code alone. One that never
        has anything else need not.
    bfloat16_on : tuple of str
        Types of devices on which precision="auto" stands for bfloat16, if they multiply
        it faster: those on which it was measured to train faster, and as well.
    reuses_weights : bool
        Whether each weight reads several parts of a row, so that a step takes longer
        than to send its gradient.
    """

    auto: ClassVar[dict[str, tuple[Any, Any]]]
    member_sizes: ClassVar[tuple[int, ...]]
    decodes_codes: ClassVar[bool] = False
    bfloat16_on: ClassVar[tuple[str, ...]] = ()
    reuses_weights: ClassVar[bool] = False

    def check(self, params, sizes, layout):
        """Refuse parameters that make no sense here.

        Parameters
        ----------
        params : estimator
        sizes : tuple of int
            Its ``hidden_layer_sizes``.
        layout : Layout
        """

    def n_tokens(self, grid):
        """Parts of a row that pass through the layers one by one."""
        return 1

    def input_layer(self, spec, layout, grid):
        """Make the layer that reads cells and their mask."""
        return InputLayer(
            layout, spec.fill, spec.indicator, spec.numerical_embedding is not None
        )

    def autoencoder(self, spec, layout, grid, seed):
        """Make a network with ``encode``, ``decode`` and ``forward``.

        Parameters
        ----------
        spec : AutoencoderSpec
        layout : Layout
        grid : UnitGrid
        seed : int or None
            Seed of the initial weights; None: they will be loaded.
        """
        raise NotImplementedError

    def members(self, n_members, reading, widths, activation, generator, corrects):
        """Make several networks of one shape, without codes.

        Parameters
        ----------
        n_members : int
        reading : Reading
        widths : sequence of int
        activation : str
        generator : torch.Generator or None
        corrects : bool
            Whether predictions are corrections of another one, and begin with none.

        Returns
        -------
        members : torch.nn.Module
            (n_members, n_rows, n_inputs), (n_members, n_rows, n_columns)
            -> (n_members, n_rows, n_outputs)
        """
        raise NotImplementedError
