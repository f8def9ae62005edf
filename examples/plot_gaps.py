"""
Gaps in satellite bands, a spectrogram and a video
==================================================

Three signals with gaps, each restored from what is left of it alone:
:class:`~skmae.SlidingWindows` cuts it into overlapping windows, rows whose columns are
the places in a window; :class:`~skmae.GaussianMixtureImputer` learns from these
rows, holes and all, and fills them; and each restored cell is the mean over the windows
that it lies in. Beside it stands what one would try first.
"""

# %%
# One function for all three
# --------------------------
import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.signal import stft
from sklearn.datasets import load_sample_image

from skmae import GaussianMixtureImputer, SlidingWindows


def restore(damaged, window, step, n_components, **channels):
    """Fill the NaN of a signal by overlapping windows."""
    windows = SlidingWindows(window, step, flatten=True, **channels)
    rows = windows.fit_transform([damaged])
    imputer = GaussianMixtureImputer(n_components, random_state=0)
    return windows.inverse_transform(imputer.fit_transform(rows))[0]


def interpolate(damaged, axis):
    """Straight lines between what is left along an axis."""
    lines = np.moveaxis(damaged.copy(), axis, -1)
    for line in lines.reshape(-1, lines.shape[-1]):
        gone = np.isnan(line)
        if not gone.all():
            line[gone] = np.interp(*map(np.flatnonzero, (gone, ~gone)), line[~gone])
    return np.moveaxis(lines, -1, axis)


def compare(title, view, truth, damaged, **filled):
    """Show pictures and the mean errors of lost cells."""
    pictures = {title: truth, "with gaps": damaged}
    for method, cells in filled.items():
        error = np.abs(cells - truth)[np.isnan(damaged)].mean()
        print(f"{title}: mean error of {method} {error:.4f}")
        pictures[f"{method}, error {error:.3f}"] = cells
    _, axes = plt.subplots(1, 4, figsize=(13, 3.6), layout="constrained")
    for axis, (name, cells) in zip(axes, pictures.items(), strict=True):
        axis.imshow(view(cells), vmin=view(truth).min(), vmax=view(truth).max())
        axis.set(title=name, xticks=[], yticks=[])
    plt.show()


rng = np.random.default_rng(0)

# %%
# Clouds
# ------
# Three bands on six days. The light differs from day to day, and so does what grows;
# on each day clouds hide all bands of a part of the picture. A window is 2 x 2 places
# with the bands of all days. Beside it stands the median of the other days, each band
# of each day divided by its mean before.
photo = load_sample_image("china.jpg")[:384, :512] / 255.0
scene = photo.reshape(96, 4, 128, 4, 3).mean(axis=(1, 3))
season = np.sin(np.arange(6))[:, None, None, None] * (scene[..., 1:2] - 0.5)
light = rng.uniform(0.6, 1.2, (6, 1, 1, 1))
days = light * (scene + 0.3 * season) + 0.01 * rng.normal(size=(6, 96, 128, 3))
clouds = np.array([gaussian_filter(rng.normal(size=(96, 128)), 8) for _ in range(6)])
clouds = clouds > np.quantile(clouds, 0.75)
cloudy = np.where(clouds[..., None], np.nan, days)

bands = np.moveaxis(cloudy, 0, 2).reshape(96, 128, 18)
level = np.nanmean(cloudy, axis=(1, 2), keepdims=True)
median = level * np.nanmedian(cloudy / level, axis=0)
restored = restore(bands, (2, 2), 1, 8, channel_axis=-1).reshape(96, 128, 6, 3)
compare(
    "day 2",
    lambda x: np.clip(x[1], 0, 1),
    days,
    cloudy,
    restored=np.moveaxis(restored, 2, 0),
    median=np.where(np.isnan(cloudy), median, cloudy),
)

# %%
# Dropouts in a spectrogram
# -------------------------
# Tones with overtones glide up and down; at times some frames are lost in a part of the
# frequencies.
seconds = np.arange(3 * 8000) / 8000
glide = 300 + 150 * np.sin(2 * np.pi * 0.7 * seconds)
phase = 2 * np.pi * np.cumsum(glide) / 8000
sound = sum(np.sin(k * phase) / k for k in range(1, 8))
sound += np.sin(2 * np.pi * (500 * seconds + 350 * seconds**2))
sound += 0.05 * rng.normal(size=len(seconds))
levels = np.log10(np.abs(stft(sound, 8000, nperseg=256, noverlap=192)[2]) + 1e-3)
dropped = levels.copy()
for _ in range(60):
    top, left = (rng.integers(0, n - 8) for n in levels.shape)
    dropped[top : top + 30, left : left + rng.integers(2, 6)] = np.nan

compare(
    "spectrogram",
    lambda x: x[::-1],
    levels,
    dropped,
    restored=restore(dropped, (8, 8), (2, 2), 16),
    lines=interpolate(dropped, axis=1),
)

# %%
# Lost blocks of a video
# ----------------------
# Discs move over a background; of each frame a fifth is lost, in blocks of 4 x 4. A
# window reaches over three frames.
frames, height, width = np.mgrid[:24, :48, :48]
video = 0.3 + 0.2 * np.sin(height / 5) * np.cos(width / 7)
for _ in range(5):
    start, speed = rng.uniform(8, 40, 2), rng.uniform(-1.2, 1.2, 2)
    where = [s + v * frames for s, v in zip(start, speed, strict=True)]
    distance = np.hypot(height - where[0], width - where[1])
    video = np.where(distance < rng.uniform(4, 7), rng.uniform(0.5, 1), video)
lost = rng.random((24, 12, 12)) < 0.2
lost = lost.repeat(4, axis=1).repeat(4, axis=2)
broken = np.where(lost, np.nan, video)

compare(
    "video, frame 12",
    lambda x: x[12],
    video,
    broken,
    restored=restore(broken, (3, 6, 6), (1, 2, 2), 16),
    lines=interpolate(broken, axis=0),
)
