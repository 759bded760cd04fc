"""Names, copies, constant weights and warnings of a set's photographs."""

import numpy as np
import pytest

from tf_facerecon.inference import set_images


def image(name="a", pixels="0", sureness=0.9, side=10.0, **fields):
    known = {field: None for field in set_images.SetImage.__dataclass_fields__}
    return set_images.SetImage(
        **{
            **known,
            "name": name,
            "photo_sha256": pixels,
            "detection_confidence": sureness,
            "box": np.array([0.0, 0.0, side, side]),
            "confidence": np.full(3, 7.0, np.float32),
            **fields,
        }
    )


def test_name_images_preset():
    named = set_images.name_images(
        [image("a", "1"), image("A", "2"), image("a", "1"), image("a_2", "3"), image("b", "2")]
    )
    assert [photo.name for photo in named] == ["a", "A_2", "a_3", "a_2_2", "b"]
    assert [photo.duplicate_of for photo in named] == [None, None, "a", None, "A_2"]


def test_with_constant_confidence_preset():
    photos = [image("a", "1", 0.8), image("b", "2", 0.95), image("c", "3", 0.9)]
    mean = set_images.with_constant_confidence(photos, "mean")
    assert [photo.confidence.tolist() for photo in mean] == [[1.0] * 3] * 3
    best = set_images.with_constant_confidence(photos, "best")
    assert [photo.confidence.tolist() for photo in best] == [[0.0] * 3, [1.0] * 3, [0.0] * 3]


@pytest.mark.parametrize("differing", [{"side": 20.0}, {"pixels": "9"}])
def test_best_does_not_depend_on_order(differing):
    one, other = image("one", **{"pixels": "1", **differing}), image("other", "2")
    for photos in ([one, other], [other, one]):
        found = set_images.with_constant_confidence(photos, "best")
        assert [p.name for p in found if p.confidence.any()] == ["one"]


def test_best_is_never_a_copy():
    photos = set_images.name_images([image("a", "1"), image("b", "1"), image("c", "1")])
    best = set_images.with_constant_confidence(photos, "best")
    assert [photo.confidence[0] for photo in best] == [1.0, 0.0, 0.0]


def test_set_warnings_preset():
    assert set_images.set_warnings([image("a"), image("b")], 0.7) == []
    near, far = image("a", embedding_distance=0.6), image("b", embedding_distance=0.8)
    (warning,) = set_images.set_warnings([near, far], 0.7)
    assert "another person" in warning and "b (0.80)" in warning and "a (" not in warning
    copy, single = set_images.set_warnings([near, image("c", duplicate_of="a")], 0.7)
    assert copy.startswith("c is the same picture as a") and "Only one photograph" in single
