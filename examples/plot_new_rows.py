"""
New rows and unlikely rows
==========================

The generator learns how the cells of a row depend on each other. It draws new rows,
completes rows that are given in part, and says how likely a row is. Here it does so for
a table of patients and for small images; a classifier that tries to tell new rows from
real ones says how good they are. It writes ``new_rows.png``, ``densities.png`` and
``new_digits.png``.
"""

# %%
# Learn from half of a table
# --------------------------
# The diabetes data: age, sex, body mass index, blood pressure, six measurements of the
# blood, and how the disease progressed within a year, which is a column as any other.
# (Its source does not say which of the two sexes is coded by 1.)

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes, load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict, train_test_split

from skmae import MaskedAutoencoderGenerator, NewRowsDisplay

patients = load_diabetes(as_frame=True, scaled=False).frame
patients = patients.rename(
    columns={"s1": "cholesterol", "s2": "ldl", "s3": "hdl", "target": "progression"}
)
patients["sex"] = patients["sex"].map({1: "A", 2: "B"})
train, test = train_test_split(patients, test_size=0.5, random_state=0)
generator = MaskedAutoencoderGenerator(random_state=0).fit(train)
columns = ["sex", "bmi", "cholesterol", "ldl", "progression"]
print(generator.sample(5, random_state=0)[columns])

# %%
# Do pairs of columns go together?
# --------------------------------
# Below the diagonal are real rows, which were not there in fit, above it new ones. The
# picture should be its own mirror image: the same shapes and, but for chance, the same
# correlations. Cholesterol and LDL are the pair to look at.

display = NewRowsDisplay.from_estimator(
    generator, test, columns=columns, random_state=0
)
display.figure_.savefig("new_rows.png", dpi=110)

# %%
# Real or new?
# ------------
# A look at pairs may miss what three columns say together. A forest is trained to tell
# new rows from real ones: an AUROC of 0.5 is chance, 1 would be a generator whose rows
# give themselves away. Beside it rows of the same columns, each shuffled by itself.


def auroc(rows):
    """How well a forest tells rows from real ones that it has not seen."""
    both = pd.get_dummies(pd.concat([test, rows], ignore_index=True))
    is_new = np.arange(len(both)) >= len(test)
    forest = RandomForestClassifier(200, min_samples_leaf=3, random_state=0)
    guess = cross_val_predict(forest, both, is_new, cv=5, method="predict_proba")
    return roc_auc_score(is_new, guess[:, 1])


new = generator.sample(len(train), random_state=0)
shuffled = train.apply(lambda c: c.sample(frac=1, random_state=len(c.name)).to_numpy())
print(f"real or new? AUROC {auroc(new):.2f}; shuffled columns {auroc(shuffled):.2f}")

# %%
# Were they learned, or remembered?
# ---------------------------------
# Rows that were remembered would be closer to the rows of fit than to other rows of the
# same kind. That they are not is no guarantee of privacy.

report = generator.novelty(train, test, random_state=0)
print(f"closer to the rows of fit than to as many others: {report.closer_to_train:.2f}")
print(f"copies of a row of fit: {report.copies:.0%}")

# %%
# Rows given in part
# ------------------
# Cells that are given stay as they are, and all others are drawn together. How
# does the disease progress in patients with a body mass index of 20, and of 35?

given = train.iloc[:2].copy()
given[:] = np.nan
given["bmi"] = [20.0, 35.0]
drawn = generator.sample(300, given=given, random_state=0)
for bmi in given["bmi"]:
    near = patients.loc[(patients["bmi"] - bmi).abs() < 2, "progression"]
    those = drawn.loc[drawn["bmi"] == bmi, "progression"]
    print(
        f"bmi {bmi:.0f}: progression {those.mean():.0f} +- {those.std():.0f}; of the "
        f"{len(near)} patients within 2 of it {near.mean():.0f} +- {near.std():.0f}"
    )

# %%
# Unlikely rows
# -------------
# ``score_samples`` gives log-densities: one nat less is 2.7 times less likely. Which
# of the patients that it has not seen is the least likely?

density = generator.score_samples(test)
print(test.iloc[np.argsort(density)[:3]].to_string())

# %%
# LDL is a part of the cholesterol. Where the two cells are exchanged, most are
# numbers that their new column has as well, but no such row is there.

exchanged = test.assign(cholesterol=test["ldl"], ldl=test["cholesterol"])
of_exchanged = generator.score_samples(exchanged)
print(f"less likely with two cells exchanged: {np.mean(of_exchanged < density):.0%}")

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
bins = np.linspace(25, 350, 27)
for bmi, colour in zip(given["bmi"], ("C0", "C1"), strict=True):
    those = drawn.loc[drawn["bmi"] == bmi, "progression"]
    left.hist(those, bins, color=colour, alpha=0.6, label=f"bmi {bmi:.0f}")
left.set(xlabel="progression of the disease", ylabel="new rows", title="Given the bmi")
left.legend()
bins = np.linspace(-80, density.max(), 40)
for those, colour, name in (
    (density, "C0", "as they are"),
    (of_exchanged, "C1", "cholesterol and LDL exchanged"),
):
    right.hist(those.clip(-80), bins, color=colour, alpha=0.6, label=name)
right.set(xlabel="log-density", ylabel="patients", title="Patients not seen in fit")
right.set_xticks([-80, -70, -60, -50, -40, -30], ["≤ -80", -70, -60, -50, -40, -30])
right.legend()
figure.savefig("densities.png", dpi=110)

# %%
# Completed images
# ----------------
# Digits of 8 x 8 pixels that are black or white. New ones first; then the upper halves
# of four digits that it has not seen, each with seven lower halves.

images = (load_digits().images > 7).astype(float)
of_digits = MaskedAutoencoderGenerator(
    input_shape=(8, 8), max_epochs=20, random_state=0
).fit(images[:1297])
upper = images[1300:1304].copy()
upper[:, 4:] = np.nan
completed = of_digits.sample(7, given=upper, random_state=0).reshape(7, 4, 8, 8)
fresh = of_digits.sample(24, random_state=0).reshape(24, 8, 8)

figure = plt.figure(figsize=(7, 7), layout="constrained")
above, below = figure.subfigures(2, 1, height_ratios=(3, 4))
above.suptitle("New digits")
for panel, image in zip(above.subplots(3, 8).flat, fresh, strict=True):
    panel.imshow(image, cmap="gray_r")
    panel.set(xticks=[], yticks=[])
below.suptitle("Upper halves of four digits, each completed seven times")
for row, panels in enumerate(below.subplots(4, 8)):
    for panel, image in zip(panels, [upper[row], *completed[:, row]], strict=True):
        panel.imshow(np.where(np.isnan(image), 0.25, image), cmap="gray_r", vmax=1)
        panel.set(xticks=[], yticks=[])
figure.savefig("new_digits.png", dpi=110)
