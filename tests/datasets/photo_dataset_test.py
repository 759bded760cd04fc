import warnings

import numpy as np
import pytest

from tests.datasets.made_up_photos import FACE, MadeUpDetector, landmarks_of, write_photos
from tf_facerecon.datasets.geometric_augmentation import AugmentationRange
from tf_facerecon.datasets.photo_dataset import build_photo_dataset
from tf_facerecon.datasets.photo_preparation import prepare_photos
from tf_facerecon.io import image_files

NAMES = [f"{i}.png" for i in range(5)]


@pytest.fixture
def photos(tmp_path):
    write_photos(tmp_path, NAMES)
    (tmp_path / "landmarks").mkdir()
    np.savetxt(tmp_path / "landmarks/3.txt", landmarks_of(FACE))
    return tmp_path


def build(folder, batch_size=2, **arguments):
    return build_photo_dataset(
        folder, batch_size, detector=MadeUpDetector(), progress=False, **arguments
    )


def collect(dataset):
    batches = list(dataset.as_numpy_iterator())
    return {key: np.stack([batch[key] for batch in batches]) for key in batches[0]}


def order_of(folder, images):
    """Numbers of the photographs that crops `[N, 224, 224, 3]` come from."""
    prepared = prepare_photos(folder, detector=MadeUpDetector(), progress=False)
    crops = [prepared.load(name)["image"] / 255.0 for name in prepared.names]
    return [int(np.argmin([np.abs(crop - image).mean() for crop in crops])) for image in images]


def test_build_photo_dataset_element(photos):
    dataset = build(photos)
    shapes = {
        key: (spec.shape.as_list(), spec.dtype.name) for key, spec in dataset.element_spec.items()
    }
    assert shapes == {
        "image": ([2, 224, 224, 3], "float32"),
        "landmarks": ([2, 68, 2], "float32"),
        "landmark_weights": ([2, 68], "float32"),
        "five_points": ([2, 5, 2], "float32"),
        "skin": ([2, 224, 224, 1], "float32"),
    }
    batch = next(dataset.as_numpy_iterator())
    for name in ("image", "skin"):
        assert batch[name].min() >= 0.0 and 0.5 < batch[name].max() <= 1.0


def test_build_photo_dataset_in_order(photos):
    batches = collect(build(photos, batch_size=5, shuffle=False, num_batches=2))
    assert order_of(photos, batches["image"][0]) == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(batches["image"][0], batches["image"][1])
    assert batches["landmark_weights"][0].sum(axis=-1).tolist() == [0, 0, 0, 68, 0]


def test_build_photo_dataset_shuffles_each_epoch_anew(photos):
    images = collect(build(photos, batch_size=5, num_batches=4, seed=1))["image"]
    orders = [order_of(photos, epoch) for epoch in images]
    assert all(sorted(order) == [0, 1, 2, 3, 4] for order in orders)
    assert len({tuple(order) for order in orders}) > 1


@pytest.mark.parametrize("augmentation", [None, AugmentationRange()])
def test_build_photo_dataset_restarts_exactly(photos, augmentation):
    # Batches of two of five photographs: they run across the ends of epochs.
    whole = collect(build(photos, seed=3, num_batches=7, augmentation=augmentation))
    rest = collect(build(photos, seed=3, num_batches=3, first_batch=4, augmentation=augmentation))
    for key, values in whole.items():
        np.testing.assert_array_equal(values[4:], rest[key], err_msg=key)


def test_build_photo_dataset_seed_changes_augmentation(photos):
    arguments = {"shuffle": False, "augmentation": AugmentationRange(), "num_batches": 1}
    first, second = (collect(build(photos, seed=seed, **arguments)) for seed in (1, 2))
    assert np.abs(first["five_points"] - second["five_points"]).max() > 1.0


def test_build_photo_dataset_is_endless(photos):
    assert int(build(photos).cardinality()) == -1


def test_build_photo_dataset_warns_of_skipped_photos(photos):
    image_files.write_image(photos / "black.png", np.zeros((100, 100, 3), np.uint8))
    with pytest.warns(UserWarning, match=r"1 of 6 photographs are skipped.*black\.png.*skipped"):
        dataset = build(photos, batch_size=5, shuffle=False)
    batch = next(dataset.as_numpy_iterator())
    assert order_of(photos, batch["image"]) == [0, 1, 2, 3, 4]


def test_build_photo_dataset_without_skipped_photos_is_quiet(photos):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build(photos)


def test_build_photo_dataset_no_face_exception_raised(tmp_path):
    image_files.write_image(tmp_path / "black.png", np.zeros((100, 100, 3), np.uint8))
    with pytest.raises(ValueError, match=r"No photograph is usable.*black\.png"):
        build(tmp_path)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"batch_size": 0}, "`batch_size` must be at least 1"),
        ({"first_batch": -1}, "must not be negative"),
        ({"seed": -1}, "must not be negative"),
    ],
)
def test_build_photo_dataset_exception_raised(photos, change, message):
    with pytest.raises(ValueError, match=message):
        build(photos, **change)


def test_build_photo_dataset_by_person(tmp_path):
    names = ["anna/1.png", "anna/2.png", "anna/3.png", "ben/1.png"]
    for folder in ("anna", "ben"):
        (tmp_path / folder).mkdir()
    write_photos(tmp_path, names)
    limits = AugmentationRange(shift=0, scale=0.0, angle=0.0, flip=0.5)
    arguments = {"per_person": 2, "shuffle": False, "num_batches": 4}
    plain = collect(build(tmp_path, batch_size=6, **arguments))
    assert plain["person"].tolist() == [[0, 0, 0, 0, 1, 1]] * 4
    assert order_of(tmp_path, plain["image"][0]) == [0, 1, 2, 0, 3, 3]
    augmented = collect(build(tmp_path, batch_size=6, augmentation=limits, **arguments))
    is_flipped = np.abs(augmented["image"] - plain["image"]).mean(axis=(2, 3, 4)) > 1e-3
    np.testing.assert_array_equal(is_flipped[:, ::2], is_flipped[:, 1::2])  # Both or none.
    assert 0 < is_flipped.sum() < is_flipped.size
    with pytest.raises(ValueError, match="`per_person` must be at least 2. Received: 1."):
        build(tmp_path, per_person=1)
