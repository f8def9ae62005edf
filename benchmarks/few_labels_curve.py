"""Accuracy with ten labels per class on MNIST, against CPU-seconds of training.

    python benchmarks/few_labels_curve.py --data DIR [--epochs 1 3 10 30 60 120]
        [--draws 2]

Each line pretrains a transformer on the 10,000 training images without labels for so
many epochs; then come the accuracy of LogisticRegression on its codes, on DiffusionMap
of them and with it the CPU-seconds so far, and that of
MaskedAutoencoderClassifier fine-tuned from it, on the test images, means over draws of
the labels. CPU-seconds of pretraining and of both, one thread.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from _common import draw_labels, load_mnist
from few_labels import mark
from sklearn.linear_model import LogisticRegression

from skmae import (
    DiffusionMap,
    MaskedAutoencoderClassifier,
    MaskedAutoencoderTransformer,
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--epochs", type=int, nargs="+", default=[1, 3, 10, 30, 60, 120]
    )
    parser.add_argument("--draws", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(1)
    X, X_test, y, y_test = load_mnist(args.data)

    print(
        "epochs | CPU-s of pretraining | codes | map | CPU-s with map | "
        "fine-tuned | CPU-s of all"
    )
    for n_epochs in args.epochs:
        start = time.process_time()
        mae = MaskedAutoencoderTransformer(
            input_shape=(28, 28), max_epochs=n_epochs, device="cpu", random_state=0
        ).fit(X)
        pretraining = time.process_time() - start
        codes, codes_test = mae.transform(X), mae.transform(X_test)
        start = time.process_time()
        diffusion = DiffusionMap(random_state=0).fit(codes)
        near, near_test = diffusion.transform(codes), diffusion.transform(codes_test)
        with_map = pretraining + time.process_time() - start
        of_codes, of_map, tuned, tuning = [], [], [], []
        for draw in range(args.draws):
            rows = draw_labels(y, 10, draw)
            model = LogisticRegression(max_iter=2000).fit(codes[rows], y[rows])
            of_codes.append(model.score(codes_test, y_test))
            model = LogisticRegression(max_iter=2000).fit(near[rows], y[rows])
            of_map.append(model.score(near_test, y_test))
            start = time.process_time()
            clf = MaskedAutoencoderClassifier(mae, device="cpu", random_state=draw)
            clf.fit(X, mark(y, rows))
            tuning.append(time.process_time() - start)
            tuned.append(clf.score(X_test, y_test))
        print(
            f"{n_epochs:6} | {pretraining:20.1f} | {np.mean(of_codes):.3f} | "
            f"{np.mean(of_map):.3f} | {with_map:14.1f} | "
            f"{np.mean(tuned):10.3f} | {pretraining + np.mean(tuning):6.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
