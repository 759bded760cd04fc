import numpy as np
import pytest

from tests.datasets.made_up_photos import MadeUpDetector, write_photos
from tf_facerecon.datasets import photo_set_dataset
from tf_facerecon.datasets.corruptions import CORRUPTIONS
from tf_facerecon.datasets.geometric_augmentation import AugmentationRange
from tf_facerecon.datasets.photo_preparation import prepare_photos
from tf_facerecon.io import image_files

NAMES = ["anna/0.png", "anna/1.png", "ben/0.png", "ben/1.png", "ben/2.png", "films/cy/0.png"]


@pytest.fixture
def photos(tmp_path):
    write_photos(tmp_path, NAMES)
    prepare_photos(tmp_path, detector=MadeUpDetector(), progress=False)
    return tmp_path


def build(folder, batch_size=2, set_size=3, **arguments):
    return photo_set_dataset.build_photo_set_dataset(
        folder,
        batch_size,
        set_size,
        detector=MadeUpDetector(),
        progress=False,
        **{"min_photos": 1, **arguments},
    )


def collect(dataset):
    batches = list(dataset.as_numpy_iterator())
    return {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}


def names_of(folder, sets):
    """Names of the photographs that stand in each set."""
    prepared = prepare_photos(folder, detector=MadeUpDetector(), progress=False)
    crops = {name: prepared.load(name)["image"] / 255.0 for name in prepared.names}

    def nearest(image):
        return min(crops, key=lambda name: np.abs(crops[name] - image).mean())

    return [
        [nearest(image) for image, there in zip(images, mask, strict=True) if there]
        for images, mask in zip(sets["image"], sets["image_mask"], strict=True)
    ]


def test_build_photo_set_dataset_element(photos):
    specs = build(photos).element_spec
    assert {key: spec.shape.as_list() for key, spec in specs.items()} == {
        "image": [2, 3, 224, 224, 3],
        "landmarks": [2, 3, 68, 2],
        "landmark_weights": [2, 3, 68],
        "five_points": [2, 3, 5, 2],
        "skin": [2, 3, 224, 224, 1],
        "image_mask": [2, 3],
    }
    assert all(spec.dtype == "float32" for spec in specs.values())


def test_build_photo_set_dataset_in_order_and_padded(photos):
    sets = collect(build(photos, batch_size=3, shuffle=False, num_batches=1))
    assert names_of(photos, sets) == [NAMES[:2], NAMES[2:5], NAMES[5:]]
    assert sets["image_mask"].tolist() == [[1, 1, 0], [1, 1, 1], [1, 0, 0]]
    for values in sets.values():
        assert not values[sets["image_mask"] == 0].any()


def test_build_photo_set_dataset_shows_everyone_once_an_epoch(photos):
    sets = names_of(photos, collect(build(photos, 3, 2, num_batches=4, seed=1)))
    epochs = [sets[i : i + 3] for i in range(0, 12, 3)]
    for epoch in epochs:
        assert sorted(names[0].rpartition("/")[0] for names in epoch) == ["anna", "ben", "films/cy"]
        for names in epoch:
            assert len({name.rpartition("/")[0] for name in names}) == 1
            assert len(set(names)) == len(names) <= 2
    seen_of_ben = {name for names in sets for name in names if name.startswith("ben")}
    assert seen_of_ben == set(NAMES[2:5])


@pytest.mark.parametrize("augmentation", [None, AugmentationRange()])
def test_build_photo_set_dataset_restarts_exactly(photos, augmentation):
    whole = collect(build(photos, 2, 2, seed=3, num_batches=4, augmentation=augmentation))
    rest = collect(
        build(photos, 2, 2, seed=3, num_batches=2, first_batch=2, augmentation=augmentation)
    )
    for key, values in whole.items():
        np.testing.assert_array_equal(values[4:], rest[key], err_msg=key)


def test_augmentation_mirrors_a_set_as_a_whole(photos):
    limits = AugmentationRange(shift=0, scale=0.0, angle=0.0, flip=0.5)
    plain = collect(build(photos, 3, shuffle=False, num_batches=4))
    moved = collect(build(photos, 3, shuffle=False, num_batches=4, augmentation=limits))
    is_mirrored = []
    for before, after, mask in zip(
        plain["five_points"], moved["five_points"], plain["image_mask"], strict=True
    ):
        change = np.abs(before - after).max(axis=(1, 2))[mask > 0]
        assert (change < 1e-3).all() or (change > 1).all()
        is_mirrored.append(change[0] > 1)
    assert 0 < sum(is_mirrored) < len(is_mirrored)


def test_people_with_too_few_photographs_are_said(photos):
    with pytest.warns(UserWarning, match=r"1 of 3 people have fewer than 2 .*'films/cy'.*skipped"):
        dataset = build(photos, shuffle=False, num_batches=1, min_photos=2)
    assert names_of(photos, collect(dataset)) == [NAMES[:2], NAMES[2:5]]


def test_photographs_without_a_face_are_said(photos):
    image_files.write_image(photos / "anna" / "black.png", np.zeros((100, 100, 3), np.uint8))
    with pytest.warns(UserWarning, match=r"1 of 7 photographs are skipped.*anna/black\.png"):
        sets = collect(build(photos, 3, shuffle=False, num_batches=1))
    assert sets["image_mask"].sum() == 6


def test_nobody_exception_raised(photos):
    with pytest.raises(ValueError, match="No person is usable. 3 of 3 people have fewer than 4"):
        build(photos, set_size=5, min_photos=4)


def test_bad_frames(photos):
    arguments = {"set_size": 3, "shuffle": False, "min_photos": 2}
    clean = collect(build(photos, num_batches=3, **arguments))
    sets = collect(build(photos, num_batches=3, bad_frames=(1, 2), **arguments))
    is_bad = sets["corruption"] > 0
    change = np.abs(sets["image"] - clean["image"]).mean(axis=(2, 3, 4))
    np.testing.assert_array_equal(change > 1e-3, is_bad)
    assert not is_bad[clean["image_mask"] == 0].any()
    assert (clean["image_mask"].sum(axis=1) > is_bad.sum(axis=1)).all()
    is_covered = sets["corruption"] == CORRUPTIONS.index("occlusion")
    assert is_covered.any()
    has_less_skin = (sets["skin"] < clean["skin"]).any(axis=(2, 3, 4))
    np.testing.assert_array_equal(has_less_skin, is_covered)
    np.testing.assert_array_equal(sets["landmarks"], clean["landmarks"])
    resumed = collect(build(photos, num_batches=1, first_batch=2, bad_frames=(1, 2), **arguments))
    np.testing.assert_array_equal(resumed["image"], sets["image"][4:])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 0}, "`batch_size` must be at least 1"),
        ({"min_photos": 0}, "`min_photos` must lie between 1 and `set_size`"),
        ({"set_size": 1, "min_photos": 2}, "`min_photos` must lie between 1 and `set_size`"),
        ({"first_batch": -1}, "must not be negative"),
        ({"bad_frames": (0, 4)}, "`bad_frames` must be two increasing numbers from 0 to"),
    ],
)
def test_build_photo_set_dataset_exception_raised(photos, change, message):
    with pytest.raises(ValueError, match=message):
        build(photos, **change)
