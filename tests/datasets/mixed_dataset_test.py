import numpy as np
import pytest
import tensorflow as tf

from tf_facerecon.datasets.mixed_dataset import mix_photos_and_renderings


def faces(count, value, **more):
    batch = {
        "image": tf.fill((count, 8, 8, 3), value),
        "landmarks": tf.fill((count, 68, 2), value),
        **more,
    }
    return tf.data.Dataset.from_tensors(batch).repeat(3)


def test_batches_hold_photographs_and_then_renderings():
    photos = faces(2, 0.25, file_name=tf.constant(["a", "b"]))
    truth = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    mixed = mix_photos_and_renderings(photos, faces(3, 0.75, coefficients=truth).take(2))
    batches = list(mixed)
    assert len(batches) == 2  # The shorter dataset ends it.
    batch = {name: values.numpy() for name, values in batches[1].items()}
    assert batch.keys() == {"image", "landmarks", "coefficients", "has_truth"}
    np.testing.assert_array_equal(batch["has_truth"], [0, 0, 1, 1, 1])
    np.testing.assert_array_equal(batch["coefficients"][:2], np.zeros((2, 2)))
    np.testing.assert_array_equal(batch["coefficients"][2:], truth)
    np.testing.assert_array_equal(batch["image"][:, 0, 0, 0], [0.25] * 2 + [0.75] * 3)
    assert batch["landmarks"].shape == (5, 68, 2)


def test_rendered_faces_are_other_people():
    photos = faces(2, 0.25, person=tf.constant([3.0, 3.0]))
    mixed = mix_photos_and_renderings(photos, faces(3, 0.75, coefficients=tf.zeros((3, 2))))
    person = next(iter(mixed))["person"].numpy()
    np.testing.assert_array_equal(person, [3, 3, -1, -2, -3])


def test_mix_exception_raised():
    truth = {"coefficients": tf.zeros((3, 2))}
    for photos, renderings in ((faces(2, 0.0), faces(2, 0.0)), (faces(3, 0.0, **truth),) * 2):
        with pytest.raises(ValueError, match="`photos` must be without `coefficients`"):
            mix_photos_and_renderings(photos, renderings)
