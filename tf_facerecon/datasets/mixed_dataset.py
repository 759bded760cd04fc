"""Photographs and rendered faces in one batch.

Photographs seldom show faces from the side, and say nothing about depth. Rendered faces beside them
keep what a network has learnt of both: terms that compare with the truth count for these alone.
"""

import tensorflow as tf


def mix_photos_and_renderings(
    photos: tf.data.Dataset, renderings: tf.data.Dataset
) -> tf.data.Dataset:
    """Batches of photographs followed by rendered faces; ends with the shorter dataset.

    Args:
        photos: Of `build_photo_dataset`, or any dataset of dicts without `coefficients`.
        renderings: Of `build_synthetic_dataset`: the same entries and `coefficients`.

    Returns:
        A dataset of dicts of the entries that both have, of `coefficients` (0 for photographs),
        `has_truth` `[B]` (1 for rendered faces, 0 for photographs) and, if the photographs have
        it, `person` `[B]` (another negative number for each rendered face).

    Raises:
        ValueError: If `photos` have `coefficients`, or `renderings` have none.
    """
    if "coefficients" in photos.element_spec or "coefficients" not in renderings.element_spec:
        raise ValueError(
            "`photos` must be without `coefficients`, and `renderings` with them. Received: "
            f"{sorted(photos.element_spec)} and {sorted(renderings.element_spec)}."
        )

    def join(photo_batch, rendered_batch):
        num_photos = tf.shape(photo_batch["image"])[0]
        coefficients = rendered_batch["coefficients"]
        unknown = tf.zeros((num_photos, coefficients.shape[-1]), coefficients.dtype)
        photo_batch = {**photo_batch, "coefficients": unknown, "has_truth": tf.zeros(num_photos)}
        num_rendered = tf.shape(coefficients)[0]
        rendered_batch = {
            **rendered_batch,
            "has_truth": tf.ones(num_rendered),
            "person": -1.0 - tf.cast(tf.range(num_rendered), tf.float32),
        }
        return {
            name: tf.concat([photo_batch[name], rendered_batch[name]], axis=0)
            for name in photo_batch.keys() & rendered_batch.keys()
        }

    return tf.data.Dataset.zip(photos, renderings).map(join)
