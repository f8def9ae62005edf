"""
=====================================
A grid search spread out with Dask
=====================================

How much of a row to hide is a parameter like any other, and a masked autoencoder has
a score that needs no labels. Here a grid search tries five mask ratios on digits, its
fits spread over the worker processes of a Dask cluster. The same lines run on a
cluster of many machines.
"""

# %%
# Without Dask the search runs all the same, in this process.

from contextlib import contextmanager, nullcontext

import joblib
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from skmae import MaskedAutoencoderTransformer

try:
    from distributed import Client, LocalCluster
except ImportError:
    Client = None
    print("Dask is not installed; see the user guide on scaling out.")


@contextmanager
def local_cluster():
    """Two worker processes; Client("address:8786") would use a cluster elsewhere."""
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
        joblib.parallel_config(backend="dask"),
    ):
        print(f"{len(client.scheduler_info()['workers'])} workers")
        yield


# %%
# Search
# ------
# ``score`` hides cells of unseen rows by masks that are the same for every candidate,
# whatever ratio it was trained with.


def main():
    """Search, and draw the results."""
    X, _ = load_digits(return_X_y=True)
    ratios = [0.15, 0.35, 0.55, 0.75, 0.9]
    search = GridSearchCV(
        MaskedAutoencoderTransformer(
            n_components=64, hidden_layer_sizes=(128,), max_epochs=20, random_state=0
        ),
        {"mask_ratio": ratios},
        cv=2,
        n_jobs=-1,
    )
    with nullcontext() if Client is None else local_cluster():
        search.fit(X)

    scores = search.cv_results_["mean_test_score"]
    for ratio, score in zip(ratios, scores, strict=True):
        print(f"mask_ratio={ratio:.2f}: R2 of hidden pixels {score:.3f}")
    print(f"best: {search.best_params_}")

    fig, ax = plt.subplots(layout="constrained")
    ax.plot(ratios, scores, "o-")
    ax.set(xlabel="mask_ratio in training", ylabel="R² of hidden pixels")
    fig.savefig("dask_grid.png", dpi=120)
    plt.show()


# %%
# Worker processes import this file, and must not start clusters of their own.

if __name__ == "__main__":
    main()
