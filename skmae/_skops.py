"""Names of the package's own types in files of skops."""

# Of settings and parts of fitted estimators of every role, in alphabetical order.
_TYPES = (
    "skmae.data.codec.Layout",
    "skmae.data.codec.TableCodec",
    "skmae.data.grid.RowShape",
    "skmae.data.plain_frames.PlainRow",
    "skmae.data.scaling.ColumnScaler",
    "skmae.data.sequence_codec.SeriesCodec",
    "skmae.data.sequence_codec.TokenCodec",
    "skmae.data.token_rows.Vocabulary",
    "skmae.detection.attribution.CellAttribution",
    "skmae.detection.criteria.Criterion",
    "skmae.detection.detector.MaskedAutoencoderDetector",
    "skmae.detection.neighbours.CellNeighbours",
    "skmae.detection.sequence_task.SequenceEnsembleSpec",
    "skmae.detection.space.CellSpace",
    "skmae.detection.steps.StepAttribution",
    "skmae.detection.tails.TailValues",
    "skmae.detection.task.EnsembleSpec",
    "skmae.distributions.marginals.Marginals",
    "skmae.distributions.mixture.Mixture",
    "skmae.distributions.tokens.LengthDistribution",
    "skmae.features.augmentation.CellErrors",
    "skmae.features.diffusion_map.DiffusionMap",
    "skmae.features.sequence_augmentation.StepErrors",
    "skmae.features.sliding_windows.SlidingWindows",
    "skmae.features.task.AutoencoderSpec",
    "skmae.features.transformer.MaskedAutoencoderTransformer",
    "skmae.generation.generator.MaskedAutoencoderGenerator",
    "skmae.generation.recorded.RecordedNumbers",
    "skmae.generation.recorded._Recorded",
    "skmae.generation.sequence_task.OrderLossSpec",
    "skmae.generation.task.DensityLoss",
    "skmae.generation.task.GeneratorSpec",
    "skmae.generation.token_rows.TokenDistribution",
    "skmae.imputation.gaussian_groups.Groups",
    "skmae.imputation.imputer.MaskedAutoencoderImputer",
    "skmae.imputation.mixture_imputer.GaussianMixtureImputer",
    "skmae.imputation.task.ImputerLoss",
    "skmae.imputation.task.ImputerSpec",
    "skmae.networks.em.Gaussian",
    "skmae.semi_supervised.classifier.MaskedAutoencoderClassifier",
    "skmae.semi_supervised.heads.ClassLoss",
    "skmae.semi_supervised.heads.HeadedNetwork",
    "skmae.semi_supervised.heads.HeadedSequences",
    "skmae.semi_supervised.heads.ValueLoss",
    "skmae.semi_supervised.regressor.MaskedAutoencoderRegressor",
    "skmae.semi_supervised.split.LabelledKFold",
    "skmae.semi_supervised.task.HeadLoss",
    "skmae.semi_supervised.task.HeadedSpec",
    "skmae.training.model.FittedModel",
    "skmae.training.residuals.Residuals",
    "skmae.training.sequence_settings.SequenceSpec",
    "skmae.training.settings.CellLoss",
    "skmae.training.settings.Settings",
    "skmae.training.settings.StepsLoss",
)


def skops_trusted_types():
    """Names of the types that a saved estimator of this package consists of.

    skops loads a file only if all types in it that it does not know are given as
    trusted. These are ours, and files of estimators hold no others, whatever rows they
    were fitted on: constructors and functions of other packages are not among them.
    What callables or callbacks were given as parameters is not ours to vouch for.

    Returns
    -------
    names : list of str
        For ``trusted`` of :func:`skops.io.load`, and ``skops_trusted_types`` of
        ``mlflow.sklearn.save_model`` and ``log_model``.

    Examples
    --------
    >>> import skops.io
    >>> from sklearn.datasets import load_iris
    >>> from skmae import MaskedAutoencoderTransformer, skops_trusted_types
    >>> X = load_iris().data
    >>> mae = MaskedAutoencoderTransformer(max_epochs=2, random_state=0).fit(X)
    >>> loaded = skops.io.loads(skops.io.dumps(mae), trusted=skops_trusted_types())
    >>> bool((loaded.transform(X) == mae.transform(X)).all())
    True
    """
    return list(_TYPES)
