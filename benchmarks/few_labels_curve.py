"""Accuracy with ten labels per class on MNIST, against CPU-seconds of training.

A transformer is pretrained on the 10,000 training images without labels for so many
epochs; then come the accuracy of LogisticRegression on its codes ("codes"), on
DiffusionMap of them ("map"), and that of MaskedAutoencoderClassifier fine-tuned from it
("fine-tuned"), on the test images, means over draws of the labels. CPU-seconds are
those of pretraining, and of pretraining with the map or fine-tuning; one thread.
"""

from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from benchmarks.measure import Clock
from benchmarks.protocols import draw_labels, mark
from benchmarks.run import add_images
from benchmarks.tables import Measure, View
from skmae import (
    DiffusionMap,
    MaskedAutoencoderClassifier,
    MaskedAutoencoderTransformer,
)

LABELS_PER_CLASS = 10
QUICK = {"images": "digits", "epochs": [1, 2], "draws": 1}
MEASURES = (Measure("accuracy"), Measure("CPU-s", 1))
VIEWS = {
    "curve": View(("case",), "method", MEASURES, each=("table",), names=("epochs",))
}


def add_options(parser):
    add_images(parser)
    parser.add_argument(
        "--epochs", type=int, nargs="+", default=[1, 3, 10, 30, 60, 120]
    )
    parser.add_argument("--draws", type=int, default=2, help="of the labels")


def measure(run, images, n_epochs):
    X, X_test, y, y_test = images.X, images.X_test, images.y, images.y_test
    mae = MaskedAutoencoderTransformer(input_shape=images.shape, **run.network(0))
    mae.set_params(max_epochs=n_epochs)
    with Clock() as pretraining:
        mae.fit(X)
    width = mae.n_components_  # not what stands behind the code
    codes, codes_test = (mae.transform(rows)[:, :width] for rows in (X, X_test))
    with Clock() as mapping:
        diffusion = DiffusionMap(random_state=0).fit(codes)
        near, near_test = diffusion.transform(codes), diffusion.transform(codes_test)

    def note(method, draw, accuracy, further_seconds):
        seconds = pretraining.seconds + further_seconds
        figures = {"accuracy": accuracy, "CPU-s": seconds}
        run.note(run.options.images, method, 0, figures, str(n_epochs), draw)

    for draw in range(run.options.draws):
        rows = draw_labels(y, LABELS_PER_CLASS, draw)
        model = LogisticRegression(max_iter=2000).fit(codes[rows], y[rows])
        note("codes", draw, model.score(codes_test, y_test), 0)
        model = LogisticRegression(max_iter=2000).fit(near[rows], y[rows])
        note("map", draw, model.score(near_test, y_test), mapping.seconds)
        clf = MaskedAutoencoderClassifier(FrozenEstimator(mae), **run.fine_tuning(draw))
        with Clock() as tuning:
            clf.fit(X, mark(y, rows))
        note("fine-tuned", draw, clf.score(X_test, y_test), tuning.seconds)


def run(run):
    images = run.source.images(run.options.images)
    for n_epochs in run.options.epochs:
        measure(run, images, n_epochs)
