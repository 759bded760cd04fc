"""R-Net, C-Net, decoder and hybrid-level loss for sets of photographs of one person.

A batch is that of `docs/architecture.md`, "data", with a second axis for the images of a set, and
`image_mask` `[B, N]`. Deng et al. 2019, Section 5: every image is rendered with the identity of
its set (alpha_aggr) and its own expression, texture, light and pose, and compared with itself;
nobody labels confidences.
"""

from collections.abc import Callable, Mapping

import keras
import tensorflow as tf

from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.layers.identity_aggregation import IdentityAggregation
from tf_facerecon.models.hybrid_model import HybridModel


class ImageSetModel(HybridModel):
    """Trains a C-Net, and if wanted its R-Net, through the decoder with the hybrid-level loss.

    A loss reaches the C-Net through alpha_aggr and no other way. Images count alike within their
    set, and sets alike within a batch, however many images they have; places without an image
    count nothing. Save what has learnt: `model.c_net.save(...)`, and `model.r_net` if it was
    fine-tuned.

    Args:
        r_net: `RNet`, or a model with its `features` and `heads`; frozen unless `train_r_net`.
        c_net: `CNet`, features of `r_net` to positive confidences `[B, K]`.
        decoder: See `HybridModel`, as for the next two.
        identity_network: See `HybridModel`.
        loss_weights: See `HybridModel`.
        train_r_net: Whether the R-Net learns too. Its batch statistics stay as they are, for
            padded places must not enter them.

    Raises:
        ValueError: As `HybridModel`.
    """

    def __init__(
        self,
        r_net: keras.Model,
        c_net: keras.Model,
        decoder: FaceDecoder,
        identity_network: Callable | None,
        loss_weights: Mapping[str, float],
        train_r_net: bool = False,
        **kwargs,
    ):
        super().__init__(r_net, decoder, identity_network, loss_weights, **kwargs)
        self.c_net = c_net
        self.train_r_net = train_r_net
        self.aggregation = IdentityAggregation()
        r_net.trainable = train_r_net

    def call(self, batch, training=False):
        """What is answered for each image, its identity that of its set; see `loss_terms`."""
        del training  # No network here has a mode: the R-Net's statistics stay as they are.
        answer = self.aggregate(batch["image"], batch["image_mask"])
        groups = self.decoder.layout.split(answer["coefficients"])
        groups["identity"] = tf.broadcast_to(
            answer["identity"][:, tf.newaxis], tf.shape(groups["identity"])
        )
        answered = {"coefficients": self.decoder.layout.merge(groups)}
        if "dense_landmark" in self.term_weights:
            answered["points"] = answer["points"]
        return answered

    def aggregate(self, images: tf.Tensor, image_mask: tf.Tensor) -> dict[str, tf.Tensor]:
        """What the networks say of image sets.

        Args:
            images: `[B, N, 224, 224, 3]` in [0, 1].
            image_mask: `[B, N]`, 0 where there is no image.

        Returns:
            Dict of `coefficients` `[B, N, 257]`, each image by itself, `confidence` `[B, N, K]` and
            `identity` `[B, K]`, the set's (alpha_aggr); `points` `[B, N, P, 2]` if the R-Net finds
            some.
        """
        features = self.r_net.features(_join_sets(images), training=False)
        coefficients = tf.cast(self.r_net.heads(features["deep"]), tf.float32)
        if not self.train_r_net:
            features = tf.nest.map_structure(tf.stop_gradient, features)
            coefficients = tf.stop_gradient(coefficients)
        answer = {
            "coefficients": coefficients,
            "confidence": self.c_net(features),
        }
        if "points" in features:
            answer["points"] = features["points"]
        sizes = tf.shape(images)[:2]
        answer = {name: _split_sets(values, sizes) for name, values in answer.items()}
        identity = self.decoder.layout.split(answer["coefficients"])["identity"]
        answer["identity"] = self.aggregation(identity, answer["confidence"], image_mask)
        return answer

    def loss_terms(
        self,
        batch: Mapping[str, tf.Tensor],
        coefficients: tf.Tensor,
        points: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """The unweighted terms `{name: [B]}`: those of `HybridModel`, averaged over a set's images.

        Args:
            batch: Photographs and what is known of them, `[B, N, ...]`, and `image_mask` `[B, N]`.
            coefficients: `[B, N, 257]`.
            points: `[B, N, P, 2]`; for the term `dense_landmark` only.

        Raises:
            ValueError: If a supervised term meets a batch without true `coefficients`.
        """
        images = {name: _join_sets(values) for name, values in batch.items()}
        terms = super().loss_terms(
            images, _join_sets(coefficients), None if points is None else _join_sets(points)
        )
        mask = tf.cast(batch["image_mask"], tf.float32)
        return {name: _mean_over_images(values, mask) for name, values in terms.items()}

    def get_config(self):
        raise NotImplementedError(
            "An ImageSetModel is only a way to train and is not saved; save its network: "
            '`model.c_net.save("c_net.keras")`.'
        )


def _join_sets(values: tf.Tensor) -> tf.Tensor:
    """`[B, N, ...]` to `[B * N, ...]`."""
    return tf.reshape(values, (-1, *values.shape[2:]))


def _split_sets(values: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
    """`[B * N, ...]` to `[B, N, ...]`; `sizes` are B and N."""
    return tf.reshape(values, tf.concat([sizes, values.shape[1:]], axis=0))


def _mean_over_images(values: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """`[B]` of `[B * N]`; 0 for a set without images."""
    # Selected, not multiplied: whatever comes of an empty place, even NaN, must not count.
    values = tf.where(mask > 0, tf.reshape(values, tf.shape(mask)), 0.0)
    return tf.math.divide_no_nan(tf.reduce_sum(values, axis=1), tf.reduce_sum(mask, axis=1))
