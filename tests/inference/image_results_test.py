"""Names, duplicates, baseline confidences and warnings of the photos of a set."""

import numpy as np
import pytest

from tf_facerecon.inference import image_results


def image(name="a", pixels="0", detection_confidence=0.9, side=10.0, **fields):
    known = {field: None for field in image_results.ImageResult.__dataclass_fields__}
    return image_results.ImageResult(
        **{
            **known,
            "name": name,
            "photo_sha256": pixels,
            "detection_confidence": detection_confidence,
            "box": np.array([0.0, 0.0, side, side]),
            "confidence": np.full(3, 7.0, np.float32),
            **fields,
        }
    )


def test_with_unique_names_preset():
    named = image_results.with_unique_names(
        [image("a", "1"), image("A", "2"), image("a", "1"), image("a_2", "3"), image("b", "2")]
    )
    assert [photo.name for photo in named] == ["a", "A_2", "a_3", "a_2_2", "b"]
    assert [photo.duplicate_of for photo in named] == [None, None, "a", None, "A_2"]


def test_with_baseline_confidence_preset():
    photos = [image("a", "1", 0.8), image("b", "2", 0.95), image("c", "3", 0.9)]
    mean = image_results.with_baseline_confidence(photos, "mean")
    assert [photo.confidence.tolist() for photo in mean] == [[1.0] * 3] * 3
    best = image_results.with_baseline_confidence(photos, "best")
    assert [photo.confidence.tolist() for photo in best] == [[0.0] * 3, [1.0] * 3, [0.0] * 3]


@pytest.mark.parametrize("differing", [{"side": 20.0}, {"pixels": "9"}])
def test_best_does_not_depend_on_order(differing):
    one, other = image("one", **{"pixels": "1", **differing}), image("other", "2")
    for photos in ([one, other], [other, one]):
        found = image_results.with_baseline_confidence(photos, "best")
        assert [p.name for p in found if p.confidence.any()] == ["one"]


def test_best_is_never_a_duplicate():
    photos = image_results.with_unique_names([image("a", "1"), image("b", "1"), image("c", "1")])
    best = image_results.with_baseline_confidence(photos, "best")
    assert [photo.confidence[0] for photo in best] == [1.0, 0.0, 0.0]


def test_image_set_warnings_preset():
    assert image_results.image_set_warnings([image("a"), image("b")], 0.7) == []
    near, far = image("a", embedding_distance=0.6), image("b", embedding_distance=0.8)
    (warning,) = image_results.image_set_warnings([near, far], 0.7)
    assert "another person" in warning and "b (0.80)" in warning and "a (" not in warning
    duplicate, single = image_results.image_set_warnings([near, image("c", duplicate_of="a")], 0.7)
    assert duplicate.startswith("c is the same image as a") and "Only one photo" in single
