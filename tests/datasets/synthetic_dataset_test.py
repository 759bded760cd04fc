import itertools

import numpy as np
import pytest
import tensorflow as tf

from tests.morphable_models.half_cylinder import half_cylinder
from tests.morphable_models.made_up_models import made_up_model
from tf_facerecon.datasets import synthetic_dataset
from tf_facerecon.layers.face_decoder import FaceDecoder

pytestmark = pytest.mark.usefixtures("shared_renderers")


@pytest.fixture(scope="module")
def decoder():
    return FaceDecoder(made_up_model(), camera={"image_size": 64, "focal": 290.0})


def take(dataset, count):
    return [tf.nest.map_structure(np.asarray, batch) for batch in itertools.islice(dataset, count)]


def test_dataset_resumes_at_any_batch(decoder):
    whole = synthetic_dataset.build_synthetic_dataset(decoder, 2, seed=3)
    later = synthetic_dataset.build_synthetic_dataset(decoder, 2, seed=3, first_batch=2)
    for name, value in take(later, 1)[0].items():
        np.testing.assert_array_equal(value, take(whole, 3)[2][name])


def test_seeds_and_batches_differ(decoder):
    first, second = take(synthetic_dataset.build_synthetic_dataset(decoder, 2, seed=3), 2)
    other = take(synthetic_dataset.build_synthetic_dataset(decoder, 2, seed=4), 1)[0]
    for name in ("image", "coefficients", "landmarks"):
        assert np.abs(first[name] - second[name]).max() > 1e-3
        assert np.abs(first[name] - other[name]).max() > 1e-3


def test_elements_agree_with_the_decoder(decoder):
    dataset = synthetic_dataset.build_synthetic_dataset(decoder, 2, seed=0, num_batches=1)
    (batch,) = take(dataset, 5)
    face = decoder(batch["coefficients"])
    np.testing.assert_allclose(batch["landmarks"], face["landmarks"], atol=1e-2)
    np.testing.assert_allclose(batch["five_points"], face["five_points"], atol=1e-2)
    assert batch["image"].shape == (2, 64, 64, 3)
    assert batch["image"].min() >= 0 and batch["image"].max() <= 1
    assert (batch["skin"] <= face["region_mask"].numpy()).all()
    assert (batch["landmark_weights"] == 1).all()


def test_landmarks_on_the_contour():
    face = FaceDecoder(half_cylinder(), camera={"image_size": 64, "focal": 290.0}, jaw="contour")
    (batch,) = take(synthetic_dataset.build_synthetic_dataset(face, 3, seed=0, num_batches=1), 1)
    landmarks = face(batch["coefficients"], render=False)["landmarks"]
    np.testing.assert_allclose(batch["landmarks"], landmarks, atol=1e-2)


def test_pool_repeats_its_batches_from_any_start(decoder):
    fresh = take(synthetic_dataset.build_synthetic_dataset(decoder, 2, seed=3), 3)
    pooled = synthetic_dataset.build_synthetic_dataset(
        decoder, 2, seed=3, first_batch=5, pool_batches=3
    )
    for batch, number in zip(take(pooled, 5), [2, 0, 1, 2, 0], strict=True):
        for name, value in batch.items():
            np.testing.assert_array_equal(value, fresh[number][name])


def test_pixel_step_repeats_pixels(decoder):
    coarse = synthetic_dataset.build_synthetic_dataset(decoder, 2, seed=3, pixel_step=2)
    fine = synthetic_dataset.build_synthetic_dataset(decoder, 2, seed=3)
    coarse, fine = take(coarse, 1)[0], take(fine, 1)[0]
    assert coarse["image"].shape == fine["image"].shape
    np.testing.assert_array_equal(coarse["image"][:, ::2, ::2], coarse["image"][:, 1::2, 1::2])
    np.testing.assert_array_equal(coarse["landmarks"], fine["landmarks"])
    assert np.abs(coarse["image"].mean() - fine["image"].mean()) < 0.05


def test_lifelike_pool_is_augmented_anew_each_time(decoder):
    options = {"seed": 3, "pool_batches": 2, "lifelike": True}
    batches = take(synthetic_dataset.build_synthetic_dataset(decoder, 2, **options), 4)
    for name in ("landmarks", "coefficients", "skin"):
        np.testing.assert_array_equal(batches[0][name], batches[2][name])
    assert np.abs(batches[0]["image"] - batches[2]["image"]).max() > 0.05
    later = synthetic_dataset.build_synthetic_dataset(decoder, 2, first_batch=3, **options)
    for name, value in take(later, 1)[0].items():
        np.testing.assert_array_equal(value, batches[3][name])


def test_lifelike_faces_are_the_plain_ones_but_for_smiles_and_skin(monkeypatch):
    # A face: the landmarks of a made-up model are where no wrinkle would be.
    decoder = FaceDecoder("procedural-4000", camera={"image_size": 64, "focal": 290.0})
    monkeypatch.setattr(
        synthetic_dataset.photometric_augmentation,
        "augment_photometrically",
        lambda images, seed: images,
    )
    plain, lifelike = (
        take(synthetic_dataset.build_synthetic_dataset(decoder, 8, seed=3, lifelike=on), 1)[0]
        for on in (False, True)
    )
    before, after = (decoder.layout.split(b["coefficients"]) for b in (plain, lifelike))
    np.testing.assert_array_equal(before["identity"], after["identity"])
    smiling = np.abs(before["expression"] - after["expression"]).max(axis=1) > 0
    assert 0 < smiling.sum() < 8
    face = decoder(lifelike["coefficients"])
    np.testing.assert_allclose(lifelike["landmarks"], face["landmarks"], atol=1e-2)
    # Faces that do not smile differ by their wrinkles, and those lie on the face.
    darker = (plain["image"] - lifelike["image"])[~smiling].max(axis=-1)
    assert darker.max() > 0.03
    columns, rows = plain["landmarks"][~smiling].transpose(2, 0, 1)
    for image, column, row in zip(darker, columns, rows, strict=True):
        below, right = np.nonzero(image > 0.02)
        assert ((right > column.min() - 4) & (right < column.max() + 4)).all()
        assert ((below > row.min() - 4) & (below < row.max() + 4)).all()


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"batch_size": 1, "first_batch": -1}])
def test_build_exception_raised(decoder, wrong):
    with pytest.raises(ValueError, match="first_batch" if "first_batch" in wrong else "batch_size"):
        synthetic_dataset.build_synthetic_dataset(decoder, seed=0, **wrong)
