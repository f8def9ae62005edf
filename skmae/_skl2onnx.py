"""Our estimators as skl2onnx knows them, which exports the pipelines that hold them."""

from sklearn.base import is_classifier, is_regressor


def register_converters(kinds, check, make_model):
    """Register converters with skl2onnx, which must be installed.

    Parameters
    ----------
    kinds : tuple of type
        Classes of estimators.
    check : callable(estimator)
        Raises an error for those that cannot be exported.
    make_model : callable(estimator, method, opset) -> onnx.ModelProto
    """
    from skl2onnx import update_registered_converter

    def find_shapes(operator):
        check(operator.raw_operator)
        _set_shapes(operator)

    def convert(scope, operator, container):
        model = make_model(operator.raw_operator, None, container.target_opset)
        _embed(model, scope, operator, container)

    for kind in kinds:
        options = None
        if is_classifier(kind()):
            options = {"zipmap": [True, False, "columns"], "nocl": [True, False]}
        alias = f"Skmae{kind.__name__}"
        update_registered_converter(kind, alias, find_shapes, convert, options=options)


def pipeline_model(pipeline, opset):
    """Make the ONNX model of a fitted pipeline.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
    opset : int

    Returns
    -------
    model : onnx.ModelProto
    """
    try:
        from skl2onnx import to_onnx
    except ImportError as error:
        raise ImportError(
            "export_onnx of a Pipeline needs skl2onnx, which is not installed."
        ) from error
    from skl2onnx.common.data_types import DoubleTensorType
    from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator

    last = pipeline[-1]
    options = {id(last): {"zipmap": False}} if is_classifier(last) else None
    rows = DoubleTensorType([None, pipeline.n_features_in_])
    try:
        model = to_onnx(
            pipeline, initial_types=[("X", rows)], options=options, target_opset=opset
        )
    except (MissingConverter, MissingShapeCalculator) as error:
        raise ValueError(
            "export_onnx needs a converter for each step of a Pipeline, and skl2onnx "
            f"has none for one of them: {str(error).splitlines()[0]}"
        ) from error
    _rename_outputs(model.graph, _methods_of(last))
    return model


def _methods_of(last):
    """Methods whose results skl2onnx gives of a last step, in its order."""
    if is_classifier(last):
        return ["predict", "predict_proba"] if hasattr(last, "predict_proba") else []
    if is_regressor(last):
        return ["predict"]
    return ["transform"] if hasattr(last, "transform") else []


def _rename_outputs(graph, methods):
    """Name outputs after methods; where there are none they stay as they are."""
    new = dict(zip((output.name for output in graph.output), methods, strict=False))
    for output in graph.output:
        output.name = new.get(output.name, output.name)
    _rename(graph.node, lambda name: new.get(name, name))


def _set_shapes(operator):
    """Types and shapes of what an operator gives."""
    from skl2onnx.common.data_types import StringTensorType, guess_tensor_type
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
    )

    for variable in operator.inputs:
        if isinstance(variable.type, StringTensorType):
            raise ValueError(
                f"Input {variable.raw_name!r} holds strings, but a model in ONNX reads "
                "numbers: put an OrdinalEncoder before it."
            )
    estimator, first = operator.raw_operator, operator.inputs[0]
    if is_classifier(estimator):
        calculate_linear_classifier_output_shapes(operator)
        return
    width = [getattr(estimator, "n_outputs_", 1)]
    if hasattr(estimator, "transform"):
        width = [estimator._n_features_out]
    elif estimator._y_is_flat:
        width = []
    kind = guess_tensor_type(first.type)
    operator.outputs[0].set_type(type(kind)([first.get_first_dimension(), *width]))


def _embed(model, scope, operator, container):
    """Put all nodes of a model into the container, for an operator."""
    from onnx import TensorProto

    def cast(name, wanted, kind):
        container.add_node("Cast", name, wanted, to=kind)

    read = []
    for variable in operator.inputs:
        read.append(scope.get_unique_variable_name("X"))
        cast(variable.full_name, read[-1], TensorProto.DOUBLE)
    rows = read[0]
    if len(read) > 1:
        rows = scope.get_unique_variable_name("X")
        container.add_node("Concat", read, rows, axis=1)

    graph = model.graph
    new = {"": "", graph.input[0].name: rows}

    def renamed(name):
        if name not in new:
            new[name] = scope.get_unique_variable_name(f"skmae_{name}")
        return new[name]

    for tensor in graph.initializer:
        tensor.name = renamed(tensor.name)
        container.initializers.append(tensor)
    _rename(graph.node, renamed)
    for node in graph.node:
        node.name = scope.get_unique_operator_name(f"skmae_{node.op_type}")
        container.nodes.append(node)
    for entry in model.opset_import:
        container.node_domain_version_pair_sets.add((entry.domain, entry.version))
    for output, variable in zip(graph.output, operator.outputs, strict=True):
        kind = variable.type.to_onnx_type().tensor_type.elem_type
        cast(renamed(output.name), variable.full_name, kind)


def _rename(nodes, renamed):
    """Rename what nodes read and write. None of ours holds a graph of its own."""
    for node in nodes:
        for names in (node.input, node.output):
            names[:] = [renamed(name) for name in names]
