"""A picture of a training."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmae.displays.canvas import get_axes


class LossCurveDisplay:
    """Loss of each epoch, on held-out rows too, and the learning rate.

    It is recommended to use :meth:`from_estimator`, which draws at once.

    Parameters
    ----------
    train_loss : array-like of float
        Mean training loss of each epoch.

    validation_loss : array-like of float or None, default=None
        Loss on held-out rows of the first epochs.

    lr : array-like of float or None, default=None
        Learning rate of each epoch.

    validation_name : str, default="validation loss"
        What the validation loss is, for its axis.

    estimator_name : str or None, default=None
        For the title.

    Attributes
    ----------
    ax_ : matplotlib Axes
        With the losses.

    validation_ax_ : matplotlib Axes or None
        The right-hand scale of the validation loss, which has units of its own.

    lr_ax_ : matplotlib Axes or None
        With the learning rate.

    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    MaskRatioDisplay : Scores of a grid search against the mask ratio.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmae import LossCurveDisplay, MaskedAutoencoderTransformer
    >>> mae = MaskedAutoencoderTransformer(
    ...     max_epochs=20, early_stopping=True, random_state=0
    ... ).fit(load_iris().data)
    >>> display = LossCurveDisplay.from_estimator(mae)
    >>> display.ax_.get_ylabel()
    'training loss'
    """

    def __init__(
        self,
        *,
        train_loss,
        validation_loss=None,
        lr=None,
        validation_name="validation loss",
        estimator_name=None,
    ):
        self.train_loss = train_loss
        self.validation_loss = validation_loss
        self.lr = lr
        self.validation_name = validation_name
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Draw the training of a fitted estimator.

        Parameters
        ----------
        estimator : estimator of skmae
            Fitted. One that was loaded from a file has lost its learning rates,
            which are then left out. Of a classifier or regressor, the fine-tuning
            is drawn.
        ax : matplotlib Axes, pair of Axes or None, default=None
            As in :meth:`plot`.

        Returns
        -------
        display : LossCurveDisplay
            The display, drawn.
        """
        check_is_fitted(estimator)
        history = estimator.net_.history
        lr = None
        # Only if they belong to the epochs of the loss curve.
        if len(history) == len(estimator.loss_curve_):
            lr = [epoch["lr"] for epoch in history]
        name = estimator.__class__.__name__
        validation_name = "1 - R² of hidden cells"
        if hasattr(estimator, "pretraining_loss_curve_"):
            name += ", fine-tuning"
            validation_name = "validation loss"
        display = cls(
            train_loss=estimator.loss_curve_,
            validation_loss=estimator.validation_loss_curve_,
            lr=lr,
            validation_name=validation_name,
            estimator_name=name,
        )
        return display.plot(ax=ax)

    def plot(self, ax=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, pair of Axes or None, default=None
            Where to draw: the losses alone on one, losses and learning rate on two.
            None makes a figure.

        Returns
        -------
        self : LossCurveDisplay
            The display, with ``ax_`` and ``figure_``.
        """
        with_lr = self.lr is not None and (ax is None or np.size(ax) == 2)
        if with_lr:
            self.figure_, axes = get_axes(
                self,
                ax,
                (2, 1),
                sharex=True,
                height_ratios=(3, 1),
                figsize=(6.4, 5.2),
            )
        else:
            self.figure_, axes = get_axes(self, ax, (1, 1))
        self.ax_ = axes[0, 0]
        self.lr_ax_ = axes[1, 0] if with_lr else None
        self.validation_ax_ = None

        epochs = np.arange(1, len(self.train_loss) + 1)
        # A single epoch is no line, but can be a dot.
        marker = "o" if len(epochs) == 1 else None
        lines = self.ax_.plot(
            epochs, self.train_loss, color="C0", marker=marker, label="training loss"
        )
        self.ax_.set_ylabel("training loss", color="C0")
        if self.validation_loss is not None:
            lines += self._plot_validation(epochs, marker)
        # On what is drawn last, so that no line crosses it.
        top = self.ax_ if self.validation_ax_ is None else self.validation_ax_
        top.legend(handles=lines, loc="upper right", framealpha=1)
        title = "Loss per epoch"
        if self.estimator_name is not None:
            title += f" of {self.estimator_name}"
        self.ax_.set_title(title)
        lowest = axes[-1, 0]
        if with_lr:
            lowest.plot(epochs, self.lr, color="C2", marker=marker)
            lowest.set_ylabel("learning rate")
            lowest.set_ylim(bottom=0)
        lowest.set_xlabel("epoch")
        lowest.xaxis.get_major_locator().set_params(integer=True)
        return self

    def _plot_validation(self, epochs, marker):
        best = int(np.argmin(self.validation_loss))
        self.validation_ax_ = self.ax_.twinx()
        self.validation_ax_.set_ylabel(self.validation_name, color="C1")
        lines = self.validation_ax_.plot(
            epochs[: len(self.validation_loss)],
            self.validation_loss,
            color="C1",
            marker=marker,
            label="held-out rows",
        )
        lines.append(
            self.ax_.axvline(
                epochs[best],
                color="0.4",
                linestyle=":",
                label=f"best epoch, {epochs[best]}",
            )
        )
        return lines
