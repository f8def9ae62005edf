"""Few labels and many rows: from codes, fine-tuned, from scratch, and by others.

    python benchmarks/few_labels.py --data DIR [--sets mnist] [--draws 3] [--umap]
        [--only-features]

DIR holds ``mnist/mnist_10k_5k.npz`` and ``imputation/*.csv``; digits, wine, breast
cancer and iris come with scikit-learn. Every method sees all training rows and the
labels of 10, 20 or 100 rows per class (mean over draws, at most what a class has) or
of all; figures are accuracies on rows that nobody saw. Tables are cut to 4,000 rows,
of which 40 % are for testing, split anew for each draw. One thread.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from _common import (
    BUNDLED,
    FILES,
    draw_labels,
    load,
    load_mnist,
    make_nystroem,
    make_umap,
    split_table,
)
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skmae import (
    DiffusionMap,
    MaskedAutoencoderClassifier,
    MaskedAutoencoderTransformer,
)


def splits(name, data, n_draws, first_seed):
    """Yield (seed, X, X_test, y, y_test); pixels of MNIST are fitted only once."""
    if name == "mnist":
        yield first_seed, *load_mnist(data)
        return
    for seed in range(first_seed, first_seed + n_draws):
        yield seed, *split_table(*load(name, data), seed)


def representations(X, seed, with_umap):
    """Features that are learned without labels, by name."""
    made = {
        "raw": FunctionTransformer(),
        "PCA": PCA(min(64, X.shape[1], len(X)), random_state=seed),
        "Nystroem": make_nystroem(X),
    }
    return made | neighbour_embeddings(X, seed, with_umap)


def neighbour_embeddings(X, seed, with_umap):
    made = {"diffusion map": DiffusionMap(random_state=seed)}
    if with_umap:
        made["UMAP"] = make_umap(X, seed)
    return made


def untrained(transformer, X):
    """The same network with its first weights."""
    return transformer.set_params(max_epochs=1, lr=1e-30, weight_decay=0).fit(X)


def mark(y, rows):
    marked = np.full(len(y), np.nan)
    marked[rows] = y[rows]
    return marked


def judge(name, data, n_draws, first_seed, labels, with_umap, only_features):
    """Accuracies: {method: {labels per class: list}}, and CPU-seconds of fits."""
    results, seconds = {}, {}

    def note(method, per_class, score, start):
        results.setdefault(method, {}).setdefault(per_class, []).append(score)
        spent = time.process_time() - start
        seconds.setdefault(method, {}).setdefault(per_class, []).append(spent)

    is_mnist = name == "mnist"
    params = {"input_shape": (28, 28)} if is_mnist else {}
    for seed, X, X_test, y, y_test in splits(name, data, n_draws, first_seed):
        draws = range(n_draws) if is_mnist else [seed]
        flat, flat_test = X.reshape(len(X), -1), X_test.reshape(len(X_test), -1)
        if is_mnist:
            flat, flat_test = flat / 255, flat_test / 255
        else:
            scaler = StandardScaler().fit(flat)
            flat, flat_test = scaler.transform(flat), scaler.transform(flat_test)
        features = {}
        for method, transformer in representations(flat, seed, with_umap).items():
            transformer.fit(flat)
            features[method] = (
                transformer.transform(flat),
                transformer.transform(flat_test),
            )
        start = time.process_time()
        mae = MaskedAutoencoderTransformer(device="cpu", random_state=seed, **params)
        mae.fit(X)
        note("pretraining", None, np.nan, start)
        codes, codes_test = mae.transform(X), mae.transform(X_test)
        features["codes"] = codes, codes_test
        for method, embedding in neighbour_embeddings(codes, seed, with_umap).items():
            start = time.process_time()
            features[f"codes, {method}"] = (
                embedding.fit(codes).transform(codes),
                embedding.transform(codes_test),
            )
            note(f"embedding, {method}", None, np.nan, start)
        scratch = MaskedAutoencoderTransformer(
            device="cpu", random_state=seed, **params
        )
        scratch = untrained(scratch, X)

        for per_class in labels:
            for draw in draws if per_class else draws[:1]:
                rows = draw_labels(y, per_class, draw)
                for method, (known, unseen) in features.items():
                    start = time.process_time()
                    model = LogisticRegression(max_iter=2000)
                    model.fit(known[rows], y[rows])
                    note(method, per_class, model.score(unseen, y_test), start)
                if only_features:
                    continue
                for method, leaf in {"boosting": 20, "boosting, leaf 3": 3}.items():
                    if is_mnist and (leaf == 3 or per_class is None):
                        continue  # minutes
                    start = time.process_time()
                    model = HistGradientBoostingClassifier(
                        min_samples_leaf=leaf, random_state=seed
                    )
                    model.fit(flat[rows], y[rows])
                    note(method, per_class, model.score(flat_test, y_test), start)
                for method, encoder, own in [
                    ("from scratch", scratch, {"self_training": False}),
                    ("fine-tuned, labels only", mae, {"self_training": False}),
                    ("fine-tuned", mae, {}),
                ]:
                    if per_class is None and method == "fine-tuned, labels only":
                        continue  # there are no others
                    if method == "from scratch":
                        own = own | {"fine_tune_lr": 1e-3}
                    start = time.process_time()
                    model = MaskedAutoencoderClassifier(
                        encoder, device="cpu", random_state=draw, **own
                    )
                    model.fit(X, mark(y, rows))
                    note(method, per_class, model.score(X_test, y_test), start)
    return results, seconds


def print_table(results, seconds, labels):
    print(f"{'':26}" + "".join(f"{n or 'all':>8}" for n in labels) + "   CPU-s")
    for method, by_labels in results.items():
        cells = "".join(f"{np.mean(by_labels.get(n, [np.nan])):8.3f}" for n in labels)
        spent = next(iter(seconds[method].values()))  # with the fewest labels
        print(f"{method:26}{cells}{np.mean(spent):8.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=["mnist", *BUNDLED, *FILES])
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument(
        "--labels", type=int, nargs="+", default=[10, 20, 100, 0], help="0 is all"
    )
    parser.add_argument("--umap", action="store_true", help="needs umap-learn")
    parser.add_argument(
        "--only-features", action="store_true", help="no boosting, no fine-tuning"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")

    labels = [n or None for n in args.labels]
    tables = []
    for name in args.sets:
        results, seconds = judge(
            name,
            args.data,
            args.draws,
            args.first_seed,
            labels,
            args.umap,
            args.only_features,
        )
        print(f"\n{name}")
        print_table(results, seconds, labels)
        if name != "mnist":
            tables.append(results)
    if len(tables) > 1:
        print(f"\nmean of {len(tables)} tables")
        mean = {
            method: {
                n: [np.mean([table[method].get(n, [np.nan]) for table in tables])]
                for n in labels
            }
            for method in tables[0]
        }
        print_table(mean, {key: {10: [np.nan]} for key in mean}, labels)


if __name__ == "__main__":
    main()
