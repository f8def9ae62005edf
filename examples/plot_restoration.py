"""
Restoring damaged images
========================

A photo is damaged in three ways: text stands over it, a block is missing, and a
fifth of its pixels are lost. The damage is known: a mask says which pixels are gone.

A masked autoencoder is trained on small tiles of the *damaged* photo. A missing pixel
is a cell that is always hidden, so nothing clean is needed: in each tile some of the
remaining pixels are hidden too, and the network learns to predict them. With
``mask_strategy="copy"`` it hides what other tiles are missing, and so practises on the
very damage that it has to repair. ``restore`` then fills what is gone and leaves
every other pixel bit for bit as it was. The imputer, made for missing values, does the
same by an ensemble that starts from a Gaussian. A mixture of Gaussians, one for each
group of tiles, trains no network.

Which method is best depends on the damage. Biharmonic inpainting assumes that pictures
are smooth, which is best for a small block that no tile sees around. For lost pixels
and under text the mixture, which learns how this photo's edges and textures look, is
ahead of it. Networks can learn more than smoothness, given many similar pictures to
learn from.
"""

# %%
# A photo and three kinds of damage
# ---------------------------------
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image
from sklearn.impute import KNNImputer

from skmae import (
    GaussianMixtureImputer,
    MaskedAutoencoderImputer,
    MaskedAutoencoderTransformer,
    SlidingWindows,
)

photo = load_sample_image("china.jpg")[:, :, 1] / 255.0  # one channel
photo = photo[:416, :640].reshape(104, 4, 160, 4).mean(axis=(1, 3))  # smaller
rng = np.random.default_rng(0)


def written(text, shape):
    """Pixels that a text covers."""
    figure = plt.figure(figsize=(shape[1] / 100, shape[0] / 100), dpi=100)
    for i in range(4):
        figure.text(0.02, 0.8 - 0.23 * i, text, fontsize=9, fontweight="bold")
    figure.canvas.draw()
    ink = np.asarray(figure.canvas.buffer_rgba())[:, :, 0] < 128
    plt.close(figure)
    return ink


block = np.zeros(photo.shape, dtype=bool)
block[60:66, 40:46] = True
damages = {
    "text": written("hidden cells are predicted", photo.shape),
    "a block": block,
    "a fifth of the pixels": rng.random(photo.shape) < 0.2,
}

# %%
# Tiles in, tiles out
# -------------------
# The photo is cut into overlapping tiles, each a row of a table whose columns are
# places in a tile. Each restored pixel is the mean over the tiles that it lies in.
tiles = SlidingWindows((8, 8), step=2, flatten=True).fit([photo])


def by_autoencoder(damaged, mask):
    """Train on tiles of the damaged photo and restore them."""
    rows = tiles.transform([damaged])
    mae = MaskedAutoencoderTransformer(
        mask_strategy="copy", loss="squared_error", max_epochs=30, random_state=0
    ).fit(rows)
    return tiles.inverse_transform(mae.restore(rows))[0]


def by_imputer(damaged, mask):
    """Learn from every third tile and fill all of them."""
    rows = tiles.transform([damaged])
    imputer = MaskedAutoencoderImputer(max_epochs=3, random_state=0).fit(rows[::3])
    return tiles.inverse_transform(imputer.transform(rows))[0]


def by_mixture(damaged, mask):
    """A Gaussian for each group of tiles, of which there are four times as many."""
    closer = SlidingWindows((8, 8), step=1, flatten=True)
    imputer = GaussianMixtureImputer(random_state=0)
    filled = imputer.fit_transform(closer.fit_transform([damaged]))
    return closer.inverse_transform(filled)[0]


def by_neighbours(damaged, mask):
    """KNNImputer on the same tiles."""
    imputer = KNNImputer(keep_empty_features=True)
    return tiles.inverse_transform(imputer.fit_transform(tiles.transform([damaged])))[0]


def by_mean(damaged, mask):
    """The mean of the pixels that are left."""
    return np.where(mask, np.nanmean(damaged), damaged)


methods = {
    "mean": by_mean,
    "KNNImputer": by_neighbours,
    "restore": by_autoencoder,
    "imputer": by_imputer,
    "mixture": by_mixture,
}
try:
    from skimage.metrics import structural_similarity
    from skimage.restoration import inpaint_biharmonic

    methods["biharmonic"] = lambda damaged, mask: inpaint_biharmonic(
        np.nan_to_num(damaged), mask
    )
except ImportError:
    structural_similarity = None
    print("scikit-image is not installed: no biharmonic inpainting, no SSIM")

# %%
# Peak signal-to-noise ratio over the damaged pixels, and structural similarity
# -----------------------------------------------------------------------------


def scores(restored, mask):
    """PSNR of the restored pixels and SSIM of the whole picture, as text."""
    psnr = -10 * np.log10(np.square(restored - photo)[mask].mean())
    if structural_similarity is None:
        return f"{psnr:.1f} dB"
    ssim = structural_similarity(photo, restored, data_range=1.0)
    return f"{psnr:.1f} dB, SSIM {ssim:.3f}"


figure, axes = plt.subplots(
    len(damages), 2 + len(methods), figsize=(16, 5.6), layout="constrained"
)
for row, (damage, mask) in zip(axes, damages.items(), strict=True):
    damaged = np.where(mask, np.nan, photo)
    row[0].set_ylabel(damage)
    pictures = {"photo": photo, "damaged": damaged}
    print(f"{damage}, {mask.mean():.0%} of the pixels")
    for name, method in methods.items():
        restored = np.clip(method(damaged, mask), 0, 1)
        assert np.array_equal(restored[~mask], photo[~mask])
        found = scores(restored, mask)
        print(f"  {name:12} {found}")
        pictures[f"{name}\n{found}"] = restored
    for axis, (title, picture) in zip(row, pictures.items(), strict=True):
        axis.imshow(picture, cmap="gray", vmin=0, vmax=1)
        axis.set(title=title, xticks=[], yticks=[])
plt.show()
