import numpy as np
import pytest

from tests.datasets.made_up_deep3d_data import write_pytorch_data, write_tensorflow_data
from tf_facerecon.datasets import deep3d_dataset, deep3d_folders, geometric_augmentation
from tf_facerecon.datasets.geometric_augmentation import AugmentationRange

FLIP = AugmentationRange(shift=0, scale=0.0, angle=0.0, flip=1.0)


def collect(dataset):
    batches = list(dataset.as_numpy_iterator())
    return {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}


def test_tensorflow_dataset_element(tmp_path):
    write_tensorflow_data(tmp_path)
    dataset = deep3d_dataset.build_deep3d_tensorflow_dataset(tmp_path, 2)
    shapes = {key: (*spec.shape, spec.dtype.name) for key, spec in dataset.element_spec.items()}
    assert shapes == {
        "image": (2, 224, 224, 3, "float32"),
        "landmarks": (2, 68, 2, "float32"),
        "landmark_weights": (2, 68, "float32"),
        "five_points": (2, 5, 2, "float32"),
        "skin": (2, 224, 224, 1, "float32"),
    }
    assert int(dataset.cardinality()) == -1


def test_datasets_yield_the_samples_of_their_files(tmp_path):
    write_tensorflow_data(tmp_path / "tf")
    write_pytorch_data(tmp_path)
    in_order = {"shuffle": False, "num_batches": 1}
    for values, files in (
        (
            deep3d_dataset.build_deep3d_tensorflow_dataset(tmp_path / "tf", 3, **in_order),
            deep3d_folders.find_tensorflow_files(tmp_path / "tf"),
        ),
        (
            deep3d_dataset.build_deep3d_pytorch_dataset(tmp_path, 3, **in_order),
            deep3d_folders.find_pytorch_files(tmp_path),
        ),
    ):
        values = collect(values)
        for i, entry in enumerate(files):
            sample = entry.load()
            np.testing.assert_array_equal(values["landmarks"][i], sample["landmarks"])
            for key in ("image", "skin"):
                np.testing.assert_allclose(values[key][i], sample[key] / 255, rtol=1e-6)


@pytest.mark.parametrize("quirks", [False, True])
def test_pytorch_dataset_augments(tmp_path, quirks):
    write_pytorch_data(tmp_path)
    arguments = {"shuffle": False, "num_batches": 1, "reference_quirks": quirks}
    plain = collect(deep3d_dataset.build_deep3d_pytorch_dataset(tmp_path, 3, **arguments))
    flipped = collect(
        deep3d_dataset.build_deep3d_pytorch_dataset(tmp_path, 3, augmentation=FLIP, **arguments)
    )
    np.testing.assert_array_equal(flipped["image"], plain["image"][:, :, ::-1])
    np.testing.assert_array_equal(flipped["skin"], plain["skin"][:, :, ::-1])
    mirrored = plain["landmarks"][:, geometric_augmentation.FLIP_LANDMARKS]
    mirrored[..., 0] = (224 if quirks else 223) - mirrored[..., 0]
    np.testing.assert_allclose(flipped["landmarks"], mirrored, rtol=1e-5)


def test_pytorch_dataset_restarts_exactly(tmp_path):
    # Batches of two of three photographs: they run across the ends of epochs.
    write_pytorch_data(tmp_path)
    arguments = {"seed": 3, "augmentation": AugmentationRange()}
    build = deep3d_dataset.build_deep3d_pytorch_dataset
    whole = collect(build(tmp_path, 2, num_batches=5, **arguments))
    rest = collect(build(tmp_path, 2, first_batch=3, num_batches=2, **arguments))
    for key, values in whole.items():
        np.testing.assert_array_equal(values[6:], rest[key], err_msg=key)


@pytest.mark.parametrize(
    "build",
    [
        deep3d_dataset.build_deep3d_tensorflow_dataset,
        deep3d_dataset.build_deep3d_pytorch_dataset,
    ],
)
def test_dataset_exception_raised(tmp_path, build):
    with pytest.raises(ValueError, match="`batch_size` must be at least 1"):
        build(tmp_path, 0)
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        build(tmp_path / "absent", 1)
