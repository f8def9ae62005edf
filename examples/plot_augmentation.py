"""
Rows varied
===========

``augment`` hides part of a row and draws it again. What comes out is new, and hard to
tell from real rows; whether a classifier learns more from it is another question, which
this example answers with "not here". Entirely new rows are those of
:ref:`sphx_glr_auto_examples_plot_new_rows.py`. It writes ``augmentation.png``.
"""

# %%
# Draws, not means
# ----------------
# Half of each row of breast cancer data is hidden and redrawn. The spread stays what it
# was; predictions alone would lie closer together than real rows do.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmae import MaskedAutoencoderTransformer

cancer = load_breast_cancer()
X, X_test, y, y_test = train_test_split(
    cancer.data, cancer.target, test_size=0.5, random_state=0, stratify=cancer.target
)
mae = MaskedAutoencoderTransformer(max_epochs=200, random_state=0).fit(X)
new = mae.augment(X, mask_ratio=0.5, random_state=0)
mean = mae.reconstruct(X, mask=new != X)

# %%
# Neither copies nor outliers
# ---------------------------
# A forest learns to separate new rows from real ones that the transformer has not
# seen. An AUROC of 0.5 is chance.
both = np.vstack([X_test, new])
is_new = np.arange(len(both)) >= len(X_test)
guess = cross_val_predict(
    RandomForestClassifier(200, random_state=0),
    both,
    is_new,
    cv=5,
    method="predict_proba",
)[:, 1]
auroc = roc_auc_score(is_new, guess)
print(f"cells that changed: {(new != X).mean():.0%}; real or new: AUROC {auroc:.2f}")

# %%
# Do they help a classifier?
# --------------------------
# Ten labelled rows per class, each varied four times, over 20 draws. The differences
# are small beside their spread.
gains = {"logistic regression": [], "trees": []}
for draw in range(20):
    rng = np.random.default_rng(draw)
    rows = np.concatenate(
        [rng.choice(np.flatnonzero(y == c), 10, replace=False) for c in (0, 1)]
    )
    varied = mae.augment(X[rows], n_copies=4, mask_ratio=0.2, random_state=draw)
    more = np.vstack([X[rows], varied]), np.tile(y[rows], 5)
    for name in gains:
        if name == "trees":
            model = ExtraTreesClassifier(100, random_state=draw)
        else:
            model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        without = model.fit(X[rows], y[rows]).score(X_test, y_test)
        gains[name].append(model.fit(*more).score(X_test, y_test) - without)
for name, gain in gains.items():
    error = np.std(gain, ddof=1) / np.sqrt(len(gain))
    print(f"{name:20} accuracy {np.mean(gain):+.3f} +- {1.96 * error:.3f}")

# %%
# The picture
# -----------
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
i, j = 2, 4  # mean perimeter, mean smoothness
left.plot(X[:, i], X[:, j], ".", ms=4, alpha=0.6, label="real")
left.plot(new[:, i], new[:, j], ".", ms=4, alpha=0.6, label="new")
left.plot(mean[:, i], mean[:, j], ".", ms=2, color="0.4", label="predictions")
left.set(
    xlabel=cancer.feature_names[i],
    ylabel=cancer.feature_names[j],
    title=f"real or new? AUROC {auroc:.2f}",
)
left.legend()
right.axvline(0, color="0.6", lw=1)
right.boxplot(list(gains.values()), orientation="horizontal")
right.set_yticks([1, 2], list(gains))
right.set(xlabel="gain in accuracy", title="10 labels per class, with varied rows")
figure.savefig("augmentation.png", dpi=120)
