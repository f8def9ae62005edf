"""
Restoring and judging sequences of letters
==========================================

With an ``analyzer`` rows are sequences of tokens, here strings of letters of different
lengths. The network learns to predict hidden letters from the others of a row, however
far apart they stand. That restores letters which could not be read, says which ones are
odd where they are, and gives features of whole sequences.
"""

# %%
# Peptides that make helices
# --------------------------
# In an amphipathic helix, as many antimicrobial peptides form one, oily residues lie on
# one side and charged ones on the other. A turn takes 3.6 residues, so that the letters
# of a sequence alternate with that period. These are made up by the rule; each has a
# length and an angle of its own.
import matplotlib.pyplot as plt
import numpy as np

from skmae import MaskedAutoencoderTransformer

OILY, CHARGED = list("AILVFW"), list("KRDENQ")


def helices(n_rows, rng):
    """Draw sequences of 12 to 40 letters whose sides differ."""
    rows = []
    for _ in range(n_rows):
        turned = np.arange(rng.integers(12, 41)) * 2 * np.pi / 3.6
        outside = np.cos(turned + rng.uniform(0, 2 * np.pi)) > 0
        letters = np.where(
            outside, rng.choice(OILY, len(turned)), rng.choice(CHARGED, len(turned))
        )
        rows.append("".join(letters))
    return rows


rng = np.random.default_rng(0)
train, test = helices(1500, rng), helices(300, rng)
print(*train[:3], sep="\n")

# %%
# Training
# --------
# Each letter is a token; "?" will stand for one that is not known.
mae = MaskedAutoencoderTransformer(
    analyzer="char",
    missing_token="?",
    hidden_layer_sizes=(48, 48),
    max_epochs=20,
    random_state=0,
).fit(train)
print(f"share of the log-likelihood explained: {mae.score(test):.2f}")

# %%
# Letters that could not be read
# ------------------------------
# Which of the six oily letters it was nobody can know, but on which side it lies the
# others tell.
damaged = test[0][:5] + "??" + test[0][7:]
print(f"{'as it was':10} {test[0]}")
print(f"{'damaged':10} {damaged}")
print(f"{'restored':10} {mae.restore([damaged])[0]}")

(letters,) = mae.categories_
probabilities = mae.restore_proba([damaged])[0]
oily = np.isin(letters, OILY)
for place in (5, 6):
    side = "oily" if test[0][place] in OILY else "charged"
    share = probabilities[place, oily].sum()
    print(f"letter {place} is {side}; probability of an oily one: {share:.2f}")

# %%
# Helices and others
# ------------------
# A shuffled sequence has the same letters in another order: no count of letters tells
# it from a helix. Its letters are poorly predicted from each other.
from sklearn.metrics import roc_auc_score

shuffled = ["".join(rng.permutation(list(row))) for row in test]
scores = mae.score_samples(test + shuffled)
is_helix = np.repeat([True, False], len(test))
print(f"AUROC of score_samples: {roc_auc_score(is_helix, scores):.3f}")

# %%
# One letter out of place
# -----------------------
# In each of these a single oily letter was swapped for a charged one.
# ``reconstruction_error`` says how unexpected each letter is among the others, in units
# in which a guess by frequencies costs 1.
places, mutated = [], []
for row in test:
    place = rng.choice([i for i, letter in enumerate(row) if letter in OILY])
    places.append(place)
    mutated.append(row[:place] + "K" + row[place + 1 :])
errors = mae.reconstruction_error(mutated, per_feature=True)
found = [
    of_row[:, 0].argmax() == place for of_row, place in zip(errors, places, strict=True)
]
print(f"the swapped letter has the largest error in {np.mean(found):.0%} of the rows")

# %%
# Above, letters of the first row by their error; below, the two kinds of sequences.
figure, (top, bottom) = plt.subplots(2, 1, figsize=(9, 5.5), layout="constrained")
first = errors[0][:, 0]
is_swapped = np.arange(len(first)) == places[0]
top.bar(np.arange(len(first)), first, color=np.where(is_swapped, "C3", "C0"))
top.set_xticks(np.arange(len(first)), list(mutated[0]))
top.set(title="Error of each letter; the red one was swapped", ylabel="error")
bins = np.linspace(scores.min(), scores.max(), 40)
bottom.hist(scores[is_helix], bins, alpha=0.7, label="helices")
bottom.hist(scores[~is_helix], bins, alpha=0.7, label="shuffled")
bottom.set(title="score_samples", xlabel="higher is more normal", ylabel="rows")
bottom.legend()
plt.show()
