import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from tf_facerecon.photos import skin_probability

# RGB -> round(255 p), recorded from the reference implementation.
RECORDED = {
    (0, 0, 0): 7,
    (255, 255, 255): 48,
    (128, 128, 128): 3,
    (224, 172, 105): 250,
    (141, 85, 36): 239,
    (198, 134, 66): 247,
    (255, 219, 172): 249,
    (90, 60, 50): 238,
    (200, 30, 30): 89,
    (30, 120, 200): 0,
    (60, 180, 75): 0,
}
PUBLISHED_DETERMINANTS = (
    (5692842.5, 5851930.5, 2329131.0, 1585971.0),
    (458703648.0, 6466488.0, 90611376.0, 133097.63),
)


@pytest.fixture(scope="module")
def model():
    return skin_probability.SkinModel.default()


@pytest.fixture
def labelled_pixels(rng):
    skin = rng.normal((210, 150, 120), 12.0, (600, 3)).clip(0, 255)
    other = rng.normal((60, 110, 160), 30.0, (700, 3)).clip(0, 255)
    return skin, other


def test_probability_preset(model):
    colours = np.array([list(RECORDED)], np.uint8)
    masks = np.round(255 * model.probability(colours)).astype(int)
    assert masks.tolist() == [list(RECORDED.values())]


def test_default_determinants_are_the_published_ones(model):
    for mixture, published in zip((model.skin, model.other), PUBLISHED_DETERMINANTS, strict=True):
        np.testing.assert_allclose(np.linalg.det(mixture.covariances_), published, rtol=2e-7)


def test_ycbcr_from_rgb_preset():
    # Studio range: black (16, 128, 128), white (235, 128, 128); red by hand.
    np.testing.assert_allclose(
        skin_probability.ycbcr_from_rgb([[0, 0, 0], [255, 255, 255], [255, 0, 0]]),
        [[16, 128, 128], [235, 128, 128], [81.481, 90.203, 240]],
    )


def test_probability_equals_the_written_formula_random(model, rng):
    image = rng.integers(0, 256, (7, 9, 3), dtype=np.uint8)
    colours = skin_probability.ycbcr_from_rgb(image)
    densities = []
    for mixture, determinants in zip(
        (model.skin, model.other), PUBLISHED_DETERMINANTS, strict=True
    ):
        density = 0.0
        rows = zip(mixture.weights_, mixture.means_, mixture.precisions_, determinants, strict=True)
        for weight, mean, precision, determinant in rows:
            away = colours - mean
            exponent = -0.5 * np.einsum("hwi,ij,hwj->hw", away, precision, away)
            density += weight * np.exp(exponent) / np.sqrt((2 * np.pi) ** 3 * determinant)
        densities.append(density)
    expected = 0.8 * densities[0] / (0.8 * densities[0] + 0.2 * densities[1])
    np.testing.assert_allclose(model.probability(image), expected, atol=1e-6)


@hypothesis.given(st.tuples(*[st.integers(0, 255)] * 3))
def test_probability_is_finite_everywhere_random(model, colour):
    probability = model.probability(np.array(colour, np.uint8))
    assert probability.shape == () and 0.0 <= probability <= 1.0
    np.testing.assert_allclose(model.probability(np.array(colour) / 255), probability, atol=1e-6)


def test_probability_in_parts_equals_whole(model, rng, monkeypatch):
    image = rng.integers(0, 256, (13, 11, 3), dtype=np.uint8)
    whole = model.probability(image)
    assert whole.dtype == np.float32 and whole.shape == (13, 11)
    monkeypatch.setattr(skin_probability, "_CHUNK", 10)
    np.testing.assert_array_equal(model.probability(image), whole)


def test_fit_separates_labelled_pixels(labelled_pixels):
    skin, other = labelled_pixels
    model = skin_probability.SkinModel.fit(skin, other, components=2)
    assert model.probability(skin / 255).mean() > 0.97
    assert model.probability(other / 255).mean() < 0.03


def test_fit_is_repeatable(labelled_pixels):
    first, second = (skin_probability.SkinModel.fit(*labelled_pixels, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.skin.means_, second.skin.means_)
    np.testing.assert_array_equal(first.other.precisions_, second.other.precisions_)


def test_fit_one_flat_colour(labelled_pixels):
    flat = np.full((300, 3), (200, 140, 110))
    model = skin_probability.SkinModel.fit(flat, labelled_pixels[1], components=1)
    assert model.probability(np.array([200, 140, 110], np.uint8)) > 0.99


@pytest.mark.parametrize("fitted", [False, True])
def test_save_load_round_trip(tmp_path, model, labelled_pixels, rng, fitted):
    if fitted:
        model = skin_probability.SkinModel.fit(*labelled_pixels, components=3, prior=0.4)
    model.save(tmp_path / "skin.npz")
    loaded = skin_probability.SkinModel.load(tmp_path / "skin.npz")
    assert loaded.prior == model.prior
    assert loaded.fingerprint == model.fingerprint
    image = rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)
    np.testing.assert_allclose(loaded.probability(image), model.probability(image), atol=1e-6)


def test_fingerprint_tells_models_apart(model, labelled_pixels):
    assert model.fingerprint == skin_probability.SkinModel.default().fingerprint
    fitted = skin_probability.SkinModel.fit(*labelled_pixels)
    same_mixtures = skin_probability.SkinModel(model.skin, model.other, prior=0.7)
    assert len({model.fingerprint, fitted.fingerprint, same_mixtures.fingerprint}) == 3


@pytest.mark.parametrize(
    "change, message",
    [
        ({"format": np.array("other")}, "expected format"),
        ({"skin_means": np.zeros((4, 2))}, r"`skin_means` must have shape \[4, 3\]"),
        ({"other_weights": np.array([1.0, -1.0, 1.0, 1.0])}, "positive weights"),
        ({"skin_means": np.full((4, 3), np.nan)}, "finite"),
        ({"skin_precisions": -np.tile(np.eye(3), (4, 1, 1))}, "positive definite"),
        ({"skin_precisions": np.tile(np.triu(np.ones((3, 3))), (4, 1, 1))}, "symmetric"),
        ({"prior": np.array(1.5)}, "`prior` must lie between"),
        ({"skin_means": np.array([{}], dtype=object)}, "nothing is unpickled"),
    ],
)
def test_load_exception_raised(tmp_path, model, change, message):
    path = tmp_path / "skin.npz"
    model.save(path)
    with np.load(path) as arrays:
        arrays = {**arrays, **change}
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=rf"skin\.npz is not a skin model.*{message}"):
        skin_probability.SkinModel.load(path)


def test_load_missing_array_exception_raised(tmp_path, model):
    path = tmp_path / "skin.npz"
    model.save(path)
    with np.load(path) as arrays:
        arrays = {name: arrays[name] for name in arrays.files if name != "other_means"}
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=r"skin\.npz is not a skin model.*other_means"):
        skin_probability.SkinModel.load(path)


def test_load_not_a_file_exception_raised(tmp_path):
    with pytest.raises(FileNotFoundError, match="train-skin-model"):
        skin_probability.SkinModel.load(tmp_path / "none.npz")
    for content in (b"hello", b"PK\x03\x04 cut off", b""):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(ValueError, match=r"bad\.npz is not a skin model"):
            skin_probability.SkinModel.load(tmp_path / "bad.npz")


def test_save_exception_raised(tmp_path, model):
    with pytest.raises(ValueError, match="must end in .npz"):
        model.save(tmp_path / "skin.pkl")


@pytest.mark.parametrize(
    "image, message",
    [
        (np.zeros((4, 4)), r"must have shape \[..., 3\]"),
        (np.full((4, 4, 3), 1.5), r"values in 0..1. Received: 1.5..1.5"),
        (np.full((4, 4, 3), np.nan), "values in 0..1"),
    ],
)
def test_probability_exception_raised(model, image, message):
    with pytest.raises(ValueError, match=message):
        model.probability(image)


@pytest.mark.parametrize(
    "pixels, message",
    [
        (np.zeros((100, 4)), "`skin_pixels` must have shape"),
        (np.zeros((100, 3)), "at least 50 pixels for each of 4 components"),
        (np.full((900, 3), 300.0), "values in 0..255"),
    ],
)
def test_fit_exception_raised(pixels, message):
    with pytest.raises(ValueError, match=message):
        skin_probability.SkinModel.fit(pixels, np.zeros((900, 3)))


def test_load_does_not_unpack_bombs(tmp_path):
    path = tmp_path / "skin.npz"
    np.savez_compressed(path, format=np.zeros(1 << 18))
    with pytest.raises(ValueError, match=r"skin\.npz is not a skin model.*no more than"):
        skin_probability.SkinModel.load(path)
