"""Training steps recorded once and replayed, so that a GPU need not wait for Python.

A small network's step is a few hundred kernels that each take a few microseconds, less
than it takes to start them one by one. A CUDA graph starts them all at once.

References
----------
`CUDA graphs <https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs>`_ in
PyTorch's documentation.
"""

import warnings

import torch

# Steps of a shape before it is recorded: kernels are chosen and compiled in the first.
_STEPS_BEFORE = 3
# Shapes that are recorded. Batches of an epoch have two, which differ by one row; each
# keeps memory of its own.
_MOST_SHAPES = 4


class RecordedSteps:
    """Compute gradients, by replaying a record where the shapes have come up before.

    Parameters
    ----------
    compute : callable
        Takes tensors (or None), leaves gradients in the parameters' ``grad``, and
        returns a tuple of tensors. It may neither look at a value nor draw numbers.
    parameters : iterable of torch.nn.Parameter
    device : torch.device
    """

    def __init__(self, compute, parameters, device):
        self.compute = compute
        self.parameters = list(parameters)
        self.stream = torch.cuda.Stream(device)
        self.n_steps = {}
        self.records = {}
        self.works = True

    def __call__(self, *inputs):
        """What ``compute`` gives for these inputs."""
        shape = tuple(None if x is None else (x.shape, x.dtype) for x in inputs)
        if shape in self.records:
            return self.records[shape].replay(inputs)
        n_steps = self.n_steps[shape] = self.n_steps.get(shape, 0) + 1
        new = len(self.records) < _MOST_SHAPES and n_steps > _STEPS_BEFORE
        if not (new and self.works):
            return self._computed(inputs)
        try:
            record = Record(self.compute, inputs, self.parameters, self.stream)
        except RuntimeError as error:
            warnings.warn(
                "Training steps could not be recorded as a CUDA graph, and are taken "
                f"kernel by kernel, which is slower: {error}",
                UserWarning,
                stacklevel=2,
            )
            self.works = False
            return self._computed(inputs)
        self.records[shape] = record
        return record.replay(inputs)

    def _computed(self, inputs):
        """Compute on the stream that records, where gradients then belong."""
        current = torch.cuda.current_stream(self.stream.device)
        self.stream.wait_stream(current)
        with torch.cuda.stream(self.stream):
            results = self.compute(*inputs)
        current.wait_stream(self.stream)
        return results


class Record:
    """One recorded computation.

    Parameters
    ----------
    compute, parameters :
        As in :class:`RecordedSteps`.
    inputs : tuple of tensors or None
        Of the shapes that all inputs will have.
    stream : torch.cuda.Stream
    """

    def __init__(self, compute, inputs, parameters, stream):
        self.inputs = [None if x is None else x.clone() for x in inputs]
        self.parameters = parameters
        # Gradients that are made while recording are written to by every replay.
        for parameter in parameters:
            parameter.grad = None
        self.graph = torch.cuda.CUDAGraph()
        # Other threads may use the device meanwhile.
        with torch.cuda.graph(
            self.graph, stream=stream, capture_error_mode="thread_local"
        ):
            self.results = compute(*self.inputs)
        self.gradients = [parameter.grad for parameter in parameters]

    def replay(self, inputs):
        """Compute on other inputs."""
        for own, given in zip(self.inputs, inputs, strict=True):
            if own is not None:
                own.copy_(given)
        self.graph.replay()
        for parameter, gradient in zip(self.parameters, self.gradients, strict=True):
            parameter.grad = gradient
        return tuple(x.clone() for x in self.results)
