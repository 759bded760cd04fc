"""Skin probability of each pixel: a naive Bayes classifier of its colour.

Two Gaussian mixtures of scikit-learn, one of skin colours and one of all others, in BT.601 YCbCr
(Jones & Rehg 2002; parameters as published with Deng et al. 2019). The hybrid-level loss weights
pixels by this probability, so that beards, glasses and hair do not affect the albedo.

Source: the published parameters are numbers of microsoft/Deep3DFaceReconstruction (MIT licence,
Copyright (c) Microsoft Corporation; see NOTICE).
"""

import hashlib
import os
import pathlib

import numpy as np

from tf_facerecon.core import checks
from tf_facerecon.io import array_archive

SKIN_PRIOR = 0.8  # Inside an aligned crop, most pixels are skin.
_FORMAT = "tf_facerecon skin model 1"
_MIN_PIXELS_PER_COMPONENT = 50
_MAX_BYTES = 1 << 20  # Of a file; even models of hundreds of components are smaller.
_CHUNK = 1 << 18  # Pixels per batch; limits memory for large photographs.

# One row per component: weight; mean Y, Cb, Cr; the upper triangle of the inverse covariance
# (YY, YCb, YCr, CbCb, CbCr, CrCr).
_PUBLISHED_SKIN = (
    (0.24063933, 113.71862, 103.39613, 164.08226)
    + (0.0019472069, 0.0020450759, -0.00060243998, 0.017700525, 0.0051420014, 0.0081308950),
    (0.16365987, 150.19858, 105.18467, 155.51428)
    + (0.0027110141, 0.0011036990, 0.0023122299, 0.010707724, 0.010742856, 0.017481629),
    (0.26034665, 183.92976, 107.62468, 152.71820)
    + (0.0048026871, 0.00022935172, 0.0077668377, 0.011729696, 0.0081661865, 0.025374353),
    (0.33535415, 114.90524, 113.59782, 151.38217)
    + (0.0011989699, 0.0022453172, -0.0010748957, 0.047758564, 0.020332102, 0.024502251),
)
_PUBLISHED_OTHER = (
    (0.12791070, 99.200851, 112.07533, 140.20602)
    + (0.00085371657, 0.00071197288, 0.00023958916, 0.0025935620, 0.00076557708, 0.0015042332),
    (0.31130761, 110.91392, 125.52969, 130.19237)
    + (0.00024650150, 0.00045542428, 0.00015019422, 0.026412144, 0.018419769, 0.037497383),
    (0.34245777, 129.75864, 129.96107, 126.96808)
    + (0.00037054974, 0.00038146760, 0.00040408765, 0.0085505722, 0.0079136286, 0.010982352),
    (0.21832393, 112.29587, 128.85121, 129.05431)
    + (0.00013709733, 0.00051228428, 0.00012777430, 0.28237113, 0.10528370, 0.23468947),
)


class SkinModel:
    """A naive-Bayes classifier of skin colour over two scikit-learn Gaussian mixtures."""

    def __init__(self, skin, other, prior: float = SKIN_PRIOR):
        """Takes two fitted `sklearn.mixture.GaussianMixture` over (Y, Cb, Cr).

        Args:
            skin: Mixture of skin colours.
            other: Mixture of all other colours.
            prior: Probability of skin before the colour is seen, strictly between 0 and 1.

        Raises:
            ValueError: If `prior` is not between 0 and 1.
        """
        if not 0.0 < prior < 1.0:
            raise ValueError(f"`prior` must lie between 0 and 1. Received: {prior}.")
        self.skin = skin
        self.other = other
        self.prior = float(prior)

    @classmethod
    def default(cls) -> "SkinModel":
        """The published parameters."""
        mixtures = []
        for rows in (_PUBLISHED_SKIN, _PUBLISHED_OTHER):
            table = np.array(rows)
            precisions = table[:, [4, 5, 6, 5, 7, 8, 6, 8, 9]].reshape(-1, 3, 3)
            weights = (
                table[:, 0] / table[:, 0].sum()
            )  # The published ones sum to 1 within rounding.
            mixtures.append(_mixture(weights, table[:, 1:4], precisions))
        return cls(*mixtures)

    @classmethod
    def fit(
        cls,
        skin_pixels: np.ndarray,
        non_skin_pixels: np.ndarray,
        components: int = 4,
        seed: int = 0,
        prior: float = SKIN_PRIOR,
    ) -> "SkinModel":
        """Fits both mixtures to labelled pixels by expectation maximisation.

        Args:
            skin_pixels: `[N, 3]` RGB in 0..255.
            non_skin_pixels: `[M, 3]` RGB in 0..255.
            components: Number of Gaussians in each mixture.
            seed: Of the initialization; the same pixels and seed give the same model.
            prior: See `SkinModel`.

        Raises:
            ValueError: If there are fewer than 50 pixels per component, or a value is not in
                0..255.
        """
        from sklearn import mixture

        mixtures = []
        for name, pixels in (("skin_pixels", skin_pixels), ("non_skin_pixels", non_skin_pixels)):
            colours = ycbcr_from_rgb(_checked_pixels(name, pixels, components))
            # Variance of at least 0.5, so that pixels of one flat colour give a valid Gaussian.
            fitted = mixture.GaussianMixture(components, reg_covar=0.5, random_state=seed)
            mixtures.append(fitted.fit(colours))
        return cls(*mixtures, prior=prior)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "SkinModel":
        """Reads what `save` wrote.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is not a skin model, or its arrays are not valid.
        """
        path = pathlib.Path(path)
        if not path.is_file():
            raise FileNotFoundError(
                f"No skin model {path}. Fit one with `tf-facerecon train-skin-model`, or use "
                "SkinModel.default()."
            )
        try:
            arrays = array_archive.read_archive(path, max_bytes=_MAX_BYTES)
            if str(arrays["format"]) != _FORMAT:
                raise ValueError(f"expected format {_FORMAT!r}, got {str(arrays['format'])!r}")
            mixtures = [_checked_mixture(name, arrays) for name in ("skin", "other")]
            return cls(*mixtures, prior=float(arrays["prior"]))
        except array_archive.UNREADABLE as error:
            raise ValueError(f"{path} is not a skin model: {error}.") from error

    def save(self, path: str | os.PathLike) -> None:
        """Writes weights, means and inverse covariances as a `.npz` of plain arrays.

        Raises:
            ValueError: If `path` does not end in `.npz`.
        """
        path = pathlib.Path(path)
        if path.suffix != ".npz":
            raise ValueError(f"`path` must end in .npz. Received: {path}.")
        arrays = {"format": np.array(_FORMAT), "prior": np.array(self.prior)}
        for name, mixture in (("skin", self.skin), ("other", self.other)):
            arrays[f"{name}_weights"] = mixture.weights_
            arrays[f"{name}_means"] = mixture.means_
            arrays[f"{name}_precisions"] = mixture.precisions_
        array_archive.write_archive(path, arrays)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the parameters, hexadecimal: equal fingerprints mean equal probabilities."""
        digest = hashlib.sha256(np.float64(self.prior).tobytes())
        for mixture in (self.skin, self.other):
            for array in (mixture.weights_, mixture.means_, mixture.precisions_):
                digest.update(np.ascontiguousarray(array, np.float64).tobytes())
        return digest.hexdigest()

    def probability(self, image: np.ndarray) -> np.ndarray:
        """Probability of skin at each pixel.

        `p = prior p(c|skin) / (prior p(c|skin) + (1 - prior) p(c|other))`, computed from
        logarithms, so that no colour gives 0/0.

        Args:
            image: RGB `[..., 3]`, `uint8` or floats in 0..1.

        Returns:
            float32 `[...]` in [0, 1].

        Raises:
            ValueError: If the last axis is not 3, or floats lie outside 0..1 or are not finite.
        """
        image = np.asarray(image)
        checks.check_shape("image", image, (..., 3))
        if image.dtype != np.uint8:
            _check_range("image", image, 1.0)
        scale = 1.0 if image.dtype == np.uint8 else 255.0
        pixels = image.reshape(-1, 3)
        result = np.empty(len(pixels), np.float32)
        for start in range(0, len(pixels), _CHUNK):
            part = slice(start, start + _CHUNK)
            result[part] = self._posterior(ycbcr_from_rgb(scale * pixels[part].astype(np.float64)))
        return result.reshape(image.shape[:-1])

    def _posterior(self, colours: np.ndarray) -> np.ndarray:
        """Probability of skin `[N]` of colours `[N, 3]`, float64."""
        evidence = self.skin.score_samples(colours) - self.other.score_samples(colours)
        evidence += np.log(self.prior / (1.0 - self.prior))
        return 0.5 * (1.0 + np.tanh(0.5 * evidence))  # The logistic function, without overflow.


def ycbcr_from_rgb(rgb: np.ndarray) -> np.ndarray:
    """BT.601 studio-range (Y, Cb, Cr) `[..., 3]` of RGB 0..255 `[..., 3]`, float64, unrounded."""
    matrix = np.array(
        [[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]
    )
    return np.asarray(rgb, np.float64) @ (matrix.T / 255.0) + [16.0, 128.0, 128.0]


def _mixture(weights: np.ndarray, means: np.ndarray, precisions: np.ndarray):
    """A scikit-learn mixture with given parameters instead of fitted ones."""
    from sklearn import mixture

    result = mixture.GaussianMixture(len(weights))
    result.weights_ = weights
    result.means_ = means
    result.precisions_ = precisions
    result.covariances_ = np.linalg.inv(precisions)
    # scikit-learn's densities accept any triangular C with precision = C C^T.
    result.precisions_cholesky_ = np.linalg.cholesky(precisions)
    return result


def _checked_mixture(name: str, arrays):
    """Reads one mixture from the arrays of a file; `ValueError` if they are not valid."""
    weights, means, precisions = (
        np.asarray(arrays[f"{name}_{part}"], np.float64)
        for part in ("weights", "means", "precisions")
    )
    checks.check_shape(f"{name}_weights", weights, (None,))
    checks.check_shape(f"{name}_means", means, (len(weights), 3))
    checks.check_shape(f"{name}_precisions", precisions, (len(weights), 3, 3))
    finite = all(np.isfinite(array).all() for array in (weights, means, precisions))
    if not finite or not (weights > 0).all() or not np.isclose(weights.sum(), 1.0):
        raise ValueError(f"{name}: expected finite arrays and positive weights of sum 1")
    if not np.allclose(precisions, precisions.transpose(0, 2, 1), rtol=1e-5, atol=1e-12):
        raise ValueError(f"{name}_precisions must be symmetric")
    try:
        return _mixture(weights, means, precisions)
    except np.linalg.LinAlgError as error:
        raise ValueError(f"{name}_precisions must be positive definite") from error


def _checked_pixels(name: str, pixels: np.ndarray, components: int) -> np.ndarray:
    """Checks that `pixels` are `[N, 3]` in 0..255 and enough for a mixture, and returns them."""
    pixels = np.asarray(pixels)
    checks.check_shape(name, pixels, (None, 3))
    _check_range(name, pixels, 255.0)
    if components < 1 or len(pixels) < _MIN_PIXELS_PER_COMPONENT * components:
        raise ValueError(
            f"`{name}` must hold at least {_MIN_PIXELS_PER_COMPONENT} pixels for each of "
            f"{components} components (one or more). Received: {len(pixels)} pixels."
        )
    return pixels


def _check_range(name: str, values: np.ndarray, limit: float) -> None:
    """Raises `ValueError` unless all values are finite and in 0..limit."""
    if values.size and not (values.min() >= 0.0 and values.max() <= limit):
        raise ValueError(
            f"`{name}` must hold values in 0..{limit:g}. "
            f"Received: {values.min():g}..{values.max():g}."
        )
