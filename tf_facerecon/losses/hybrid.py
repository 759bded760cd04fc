"""Hybrid-level loss: image-level, perception-level and regularisation terms in one number."""

from collections.abc import Mapping

import tensorflow as tf

PAPER_LOSS_WEIGHTS: Mapping[str, float] = {
    "photometric": 1.92,
    "landmark": 1.6e-3,
    "perceptual": 0.2,
    "coefficient": 3e-4,
    "albedo_flatness": 5.0,
    "white_light": 10.0,
}
"""Weights of Deng et al. 2019, as in the authors' released code. The paper's light is white and
needs no `white_light`. The weights inside `coefficient` (1, 0.8, 1.7e-2) are the defaults of
`regularization.coefficient_loss`."""

# The paper's photographs all have 68 landmarks; a user's often have the five points of a face
# detector only, and no other term pulls the rendered face towards the one in the image from afar.
DEFAULT_LOSS_WEIGHTS: Mapping[str, float] = {**PAPER_LOSS_WEIGHTS, "five_point": 2e-3}
"""`PAPER_LOSS_WEIGHTS`, and `five_point` for the images of a batch without 68 landmarks, where the
paper's `landmark` term is 0. For images with landmarks the loss is exactly the paper's."""


def total_loss(terms: Mapping[str, tf.Tensor], weights: Mapping[str, float]) -> tf.Tensor:
    """Weighted sum of the terms, averaged over the batch; Deng et al. 2019.

    Args:
        terms: Losses `[B]` by name.
        weights: Weight of each term, under the same names.

    Returns:
        A scalar.

    Raises:
        ValueError: If `terms` is empty or the names differ.
    """
    if not terms or terms.keys() != weights.keys():
        raise ValueError(
            "`weights` must name exactly the loss terms, at least one. "
            f"Received: weights {sorted(weights)} for terms {sorted(terms)}."
        )
    return tf.add_n([weights[name] * tf.reduce_mean(term) for name, term in terms.items()])
