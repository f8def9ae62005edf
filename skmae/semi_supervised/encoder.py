"""The transformer that classifier and regressor hold."""

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator

from skmae.features.transformer import MaskedAutoencoderTransformer
from skmae.semi_supervised.settings import SHARED


def make_encoder(estimator, seed):
    """The transformer to begin with: fitted if it is frozen, else yet to be fitted.

    Parameters
    ----------
    estimator : classifier or regressor
        Nothing of it is changed, and nothing that it was given but what is frozen is
        handed on.
    seed : int
        Drawn from its random_state, for an encoder that has none.

    Returns
    -------
    encoder : MaskedAutoencoderTransformer
    """
    given = estimator.encoder
    if isinstance(given, FrozenEstimator):
        return _thawed(given)
    if given is None:
        shared = {name: getattr(estimator, name) for name in SHARED}
        return MaskedAutoencoderTransformer(**shared, random_state=seed)
    encoder = clone(given)
    if encoder.random_state is None and estimator.random_state is not None:
        encoder.set_params(random_state=seed)
    return encoder


def pretrain(encoder, checked, weight, context, told):
    """Fit an encoder, unless it is fitted, and encode rows.

    Parameters
    ----------
    encoder : MaskedAutoencoderTransformer
        From :func:`make_encoder`.
    checked : array, DataFrame or SlicedRows
        Rows that it has checked.
    weight : (n_rows,) array or None
    context : sklearn.callback.CallbackContext
        Of the whole fit.
    told : dict
        What callbacks are told: estimator, X as the user gave it, y.

    Returns
    -------
    values : (n_rows, n_columns) float32 array or EncodedRows
    """
    stage = context.subcontext(task_name="pretraining")
    if encoder.__sklearn_is_fitted__():
        stage.call_on_fit_task_begin(**told)
        values = encoder.model_.encode_to_train(checked)
        stage.call_on_fit_task_end(**told)
        return values
    with stage.propagate_callback_context(encoder):
        stage.call_on_fit_task_begin(**told)
        values = encoder._fit_rows(checked, weight, told["X"])
        stage.call_on_fit_task_end(**told)
    return values


def _thawed(frozen):
    encoder = frozen
    while isinstance(encoder, FrozenEstimator):
        encoder = encoder.estimator
    if not isinstance(encoder, MaskedAutoencoderTransformer):
        raise TypeError(
            "The 'encoder' parameter given as a FrozenEstimator must hold a fitted "
            f"MaskedAutoencoderTransformer. Got {frozen!r} instead."
        )
    if not encoder.__sklearn_is_fitted__():
        raise NotFittedError(
            "The MaskedAutoencoderTransformer that the 'encoder' parameter holds "
            "frozen is not fitted, and a frozen estimator is never fitted. Fit it "
            "first, or give it without FrozenEstimator to have it fitted."
        )
    return encoder
