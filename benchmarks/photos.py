"""Photos: a damaged photo restored by overlapping tiles, and biharmonic inpainting.

The photos that come with scikit-image and scikit-learn, made smaller by averaging
pixels and cut to squares. A share of the pixels is lost, text stands over the photo, or
scratches of one to three pixels do. Nothing but what is left of the photo is learned
from, channels being pictures of their own. The figure is the peak signal-to-noise ratio
over lost pixels, in dB: the mean over photos. Gains over biharmonic inpainting are
given for the half of the photos on which constants were chosen, and for the others.

Times are CPU-seconds on one thread.
"""

from pathlib import Path

import numpy as np

from benchmarks.measure import Clock
from benchmarks.tables import Measure, View
from skmae import (
    GaussianMixtureImputer,
    MaskedAutoencoderImputer,
    MaskedAutoencoderTransformer,
    SlidingWindows,
)

# Every second one is among those on which constants were chosen.
PHOTOS = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "cell.png",
    "chelsea.png",
    "china.jpg",
    "clock_motion.png",
    "coffee.png",
    "coins.png",
    "flower.jpg",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "microaneurysms.png",
    "moon.png",
    "motorcycle_left.png",
    "page.png",
    "retina.jpg",
    "rocket.jpg",
)
OF_SCIKIT_LEARN = ("china.jpg", "flower.jpg")
DAMAGES = {"20 % lost": 0.2, "50 % lost": 0.5, "80 % lost": 0.8}
WORDS = "restored from what is left of it by tiles that overlap one another"
PSNR, CPU = Measure("PSNR", 2, "high"), Measure("CPU-s", 1)
VIEWS = {
    "photos": View(("method",), "case", (PSNR,), beside=(CPU,)),
    "halves": View(("method",), "case", (Measure("gain", 2, signed=True),)),
}
QUICK = {"photos": ["camera.png"], "side": 48, "networks": True}


def add_options(parser):
    parser.add_argument("--photos", nargs="+", default=PHOTOS, help="names of files")
    parser.add_argument("--side", type=int, default=192, help="pixels of a side")
    parser.add_argument(
        "--networks", action="store_true", help="networks on tiles, too, which are slow"
    )


def load_photo(name, side):
    """A square photo of so many pixels at most: (side, side, channels), 0 to 1."""
    if name in OF_SCIKIT_LEARN:
        from sklearn.datasets import load_sample_image

        pixels = load_sample_image(name)
    else:
        import skimage
        from skimage.io import imread

        pixels = imread(Path(skimage.__file__).parent / "data" / name)
    pixels = np.atleast_3d(pixels)[:, :, :3] / 255.0
    factor = max(1, min(pixels.shape[:2]) // side)
    height, width = (n // factor for n in pixels.shape[:2])
    pixels = pixels[: height * factor, : width * factor]
    pixels = pixels.reshape(height, factor, width, factor, -1).mean(axis=(1, 3))
    side = min(side, height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def drawn(side, draw):
    """Pixels that a drawing covers."""
    from PIL import Image, ImageDraw

    picture = Image.new("L", (side, side))
    draw(ImageDraw.Draw(picture))
    return np.asarray(picture) > 100


def damage(kind, side, seed):
    """Pixels that are lost: (side, side) bool array."""
    rng = np.random.default_rng(seed)
    if kind in DAMAGES:
        return rng.random((side, side)) < DAMAGES[kind]
    if kind == "text":
        from PIL import ImageFont

        font = ImageFont.load_default(15)

        def draw(canvas):
            for top in range(2, side - 12, 24):
                line = " ".join(rng.permutation(WORDS.split()))
                canvas.text((-int(rng.integers(30)), top), line, fill=255, font=font)

        return drawn(side, draw)

    def draw(canvas):
        for width in np.tile([1, 2, 3], side // 32):
            middle, angle = rng.random(2) * side, rng.random() * np.pi
            half = (
                rng.uniform(0.15, 0.6) * side * np.array([np.cos(angle), np.sin(angle)])
            )
            ends = [*(middle - half), *(middle + half)]
            canvas.line(ends, fill=255, width=int(width))

    return drawn(side, draw)


def by_tiles(damaged, step, fill):
    """Cut each channel into tiles, fill them, and put them together again."""
    tiles = SlidingWindows((8, 8), step=step, flatten=True)
    channels = list(np.moveaxis(damaged, 2, 0))
    rows = tiles.fit_transform(channels)
    return np.stack(tiles.inverse_transform(fill(rows)), axis=2)


def methods(run):
    """Functions of a damaged photo, with NaN where it is lost."""

    def biharmonic(damaged):
        from skimage.restoration import inpaint_biharmonic

        lost = np.isnan(damaged[:, :, 0])
        return inpaint_biharmonic(np.nan_to_num(damaged), lost, channel_axis=2)

    def mixture(damaged):
        imputer = GaussianMixtureImputer(random_state=0)
        return by_tiles(damaged, 2, imputer.fit_transform)

    def imputer(damaged):
        imputer = MaskedAutoencoderImputer(**run.network(0))
        return by_tiles(damaged, 2, lambda rows: imputer.fit(rows[::3]).transform(rows))

    def restore(damaged):
        mae = MaskedAutoencoderTransformer(
            mask_strategy="copy", loss="squared_error", **run.network(0)
        )
        return by_tiles(damaged, 2, lambda rows: mae.fit(rows).restore(rows))

    chosen = {"biharmonic": biharmonic, "GaussianMixtureImputer": mixture}
    if run.options.networks:
        chosen |= {"MaskedAutoencoderImputer": imputer, "restore": restore}
    return chosen


def run(run):
    if not run.has("biharmonic"):  # nor are there photos
        return
    for name in run.options.photos:
        number = PHOTOS.index(name)
        photo = load_photo(name, run.options.side)
        for kind in [*DAMAGES, "text", "scratches"]:
            lost = damage(kind, len(photo), number)
            damaged = np.where(lost[:, :, None], np.nan, photo)
            for method, restored in methods(run).items():
                with Clock() as clock:
                    pixels = np.clip(restored(damaged), 0, 1)
                assert np.array_equal(pixels[~lost], photo[~lost])
                psnr = -10 * np.log10(np.square(pixels - photo)[lost].mean())
                if method == "biharmonic":
                    peer = psnr
                half = "chosen on" if number % 2 == 0 else "others"
                run.note(name, method, 0, {"PSNR": psnr}, kind)
                run.note(name, method, 0, {"CPU-s": clock.seconds}, kind)
                run.note(name, method, 0, {"gain": psnr - peer}, f"{kind}, {half}")
