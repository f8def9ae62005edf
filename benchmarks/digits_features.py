"""Codes of scikit-learn's digits with ten labels per class, over several splits.

    python benchmarks/digits_features.py [--splits 4]

70 % of the digits to learn from without labels, the rest for testing; accuracy of
LogisticRegression with 10 labels per class (mean of 10 draws) and with all labels, the
standard error over splits, and CPU seconds of the fit. One thread.
"""

import argparse
import time

import numpy as np
import torch
from mnist_features import accuracy
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import FunctionTransformer

from skmae import MaskedAutoencoderTransformer

N_DRAWS = 10


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--splits", type=int, default=4)
    args = parser.parse_args()
    torch.set_num_threads(1)
    X, y = load_digits(return_X_y=True)
    methods = {
        "raw / 16": lambda seed: FunctionTransformer(lambda X: X / 16),
        "skmae": lambda seed: MaskedAutoencoderTransformer(
            device="cpu", random_state=seed
        ),
        "skmae, input_shape=(8, 8)": lambda seed: MaskedAutoencoderTransformer(
            input_shape=(8, 8), device="cpu", random_state=seed
        ),
    }
    for name, make in methods.items():
        few, full, seconds = [], [], []
        for seed in range(args.splits):
            train, test, y_train, y_test = train_test_split(
                X, y, test_size=0.3, random_state=seed, stratify=y
            )
            start = time.process_time()
            transformer = make(seed).fit(train)
            seconds.append(time.process_time() - start)
            codes, codes_test = (
                transformer.transform(train),
                transformer.transform(test),
            )
            few.append(accuracy(codes, y_train, codes_test, y_test, 10, N_DRAWS))
            model = LogisticRegression(max_iter=5000).fit(codes, y_train)
            full.append(model.score(codes_test, y_test))
        error = np.std(few) / np.sqrt(len(few))
        print(
            f"{name:26} 10 labels {np.mean(few):.4f} +- {error:.4f}, all "
            f"{np.mean(full):.4f}, fit {np.median(seconds):.1f} CPU-s",
            flush=True,
        )


if __name__ == "__main__":
    main()
