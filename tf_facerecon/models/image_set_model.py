"""R-Net, C-Net, decoder and hybrid-level loss for sets of photographs of one person.

Deng et al. 2019, Section 5: every image is rendered with the identity of its set (alpha_aggr) and
its own expression, texture, lighting and pose, and compared with itself; confidences have no
labels.
"""

import os
from collections.abc import Callable, Mapping

import keras
import tensorflow as tf

from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.layers.identity_aggregation import IdentityAggregation
from tf_facerecon.losses import hybrid
from tf_facerecon.models import training_inputs
from tf_facerecon.models.hybrid_model import HybridModel


@keras.saving.register_keras_serializable(package="tf_facerecon")
class ImageSetModel(HybridModel):
    """Trains a C-Net, and if wanted its R-Net, through the decoder with the hybrid-level loss.

        model = ImageSetModel(r_net, CNet.for_r_net(r_net), FaceDecoder(r_net.face_model))
        model.compile(keras.optimizers.Adam(1e-4))
        model.fit(dataset)

    Training step, metrics and what is saved are those of `HybridModel`, and a saved model holds the
    weights of both networks. Datasets yield the same entries with a second axis for the N images
    of a set, `[B, N, ...]`, and in addition

    | key          | shape    | content                                    |
    |--------------|----------|--------------------------------------------|
    | `image_mask` | `[B, N]` | 1, or 0 where a smaller set has no image   |

    The loss reaches the C-Net through alpha_aggr alone. Images have equal weight within their set,
    and sets within a batch, however many images they have; padded images have none. To save the
    networks alone: `model.c_net.save(...)`, and `model.r_net.save(...)` if it was fine-tuned.

    Args:
        r_net: `RNet`, or a model with its `features` and `heads`. Trained only if `train_r_net`;
            its own `trainable` stays as it is.
        c_net: `CNet`, features of `r_net` to positive confidences `[B, K]`.
        decoder: See `HybridModel`, as for the next two.
        identity_network: See `HybridModel`.
        loss_weights: See `HybridModel`.
        train_r_net: Whether the trainable variables of the R-Net are trained too. Its batch
            normalization stays in inference mode: padded images must not enter its statistics.

    Raises:
        ValueError: As `HybridModel`; if its `photometric_definition` is not "paper", which alone
            ignores padded images; or if `train_r_net` and all of the R-Net is frozen.
    """

    _TRAINED_NETWORK = "c_net"
    _INPUTS = ("image", "image_mask")
    _LEADING_AXES = (None, None)

    def __init__(
        self,
        r_net: keras.Model,
        c_net: keras.Model,
        decoder: FaceDecoder,
        identity_network: str | os.PathLike | Callable | None = "identity_small",
        loss_weights: Mapping[str, float] = hybrid.DEFAULT_LOSS_WEIGHTS,
        train_r_net: bool = False,
        **kwargs,
    ):
        for name, network in {"r_net": r_net, "c_net": c_net}.items():
            training_inputs.check_type(name, network, keras.Model)
        policies = [n.dtype_policy for n in ((c_net, r_net) if train_r_net else (c_net,))]
        # The loss is scaled if any of what is trained computes in float16.
        dtype = next((p for p in policies if p.name == "mixed_float16"), policies[0])
        super().__init__(
            r_net, decoder, identity_network, loss_weights, **{"dtype": dtype, **kwargs}
        )
        if self.photometric_definition != "paper":
            raise ValueError(
                '`photometric_definition` must be "paper" for image sets, whose padded images must '
                f"not enter a mean over the batch. Received: {self.photometric_definition!r}."
            )
        if train_r_net and not r_net.trainable_variables:
            raise ValueError(
                "`train_r_net` needs an R-Net with trainable variables. Received: "
                f"{type(r_net).__name__} {r_net.name!r}, which is frozen; set `r_net.trainable`."
            )
        self.c_net = c_net
        self.train_r_net = train_r_net
        self.aggregation = IdentityAggregation()

    @property
    def trainable_variables(self) -> list[keras.Variable]:
        """What `fit` trains: the C-Net, after the R-Net if `train_r_net`."""
        if not self.trainable:
            return []
        r_net = self.r_net.trainable_variables if self.train_r_net else []
        return [*r_net, *self.c_net.trainable_variables]

    @property
    def non_trainable_variables(self) -> list[keras.Variable]:
        """All others, such as a frozen R-Net and the metrics."""
        trained = {id(variable) for variable in self.trainable_variables}
        return [variable for variable in self.variables if id(variable) not in trained]

    @property
    def trainable_weights(self) -> list[keras.Variable]:
        """The same as `trainable_variables`."""
        return self.trainable_variables

    @property
    def non_trainable_weights(self) -> list[keras.Variable]:
        """`non_trainable_variables` without the metrics."""
        trained = {id(variable) for variable in self.trainable_variables}
        return [variable for variable in self.weights if id(variable) not in trained]

    def call(self, batch, training=False):
        """Predictions for each image, with the identity of its set; arguments of `loss_terms`."""
        self._check_inputs(batch)
        del training  # No network here has a mode: batch normalization always infers.
        predictions = self.aggregate(batch["image"], batch["image_mask"])
        groups = self.decoder.layout.split(predictions["coefficients"])
        groups["identity"] = tf.broadcast_to(
            predictions["identity"][:, tf.newaxis], tf.shape(groups["identity"])
        )
        outputs = {"coefficients": self.decoder.layout.merge(groups)}
        if "dense_landmark" in self.term_weights:
            outputs["points"] = predictions["points"]
        return outputs

    def aggregate(self, images: tf.Tensor, image_mask: tf.Tensor) -> dict[str, tf.Tensor]:
        """Predictions for image sets, before and after aggregation.

        Args:
            images: `[B, N, 224, 224, 3]` in [0, 1].
            image_mask: `[B, N]`, 0 where there is no image.

        Returns:
            Dict of `coefficients` `[B, N, 257]`, each image by itself, `confidence` `[B, N, K]` and
            `identity` `[B, K]`, the set's (alpha_aggr); `points` `[B, N, P, 2]` if the R-Net
            predicts some.
        """
        features = self.r_net.features(_join_sets(images), training=False)
        coefficients = tf.cast(self.r_net.heads(features["deep"]), tf.float32)
        if not self.train_r_net:
            features = tf.nest.map_structure(tf.stop_gradient, features)
            coefficients = tf.stop_gradient(coefficients)
        predictions = {"coefficients": coefficients, "confidence": self.c_net(features)}
        if "points" in features:
            predictions["points"] = features["points"]
        sizes = tf.shape(images)[:2]
        predictions = {name: _split_sets(values, sizes) for name, values in predictions.items()}
        identity = self.decoder.layout.split(predictions["coefficients"])["identity"]
        predictions["identity"] = self.aggregation(identity, predictions["confidence"], image_mask)
        return predictions

    def loss_terms(
        self,
        batch: Mapping[str, tf.Tensor],
        coefficients: tf.Tensor,
        points: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """The unweighted terms `{name: [B]}`: those of `HybridModel`, averaged over a set's images.

        Args:
            batch: Images and labels `[B, N, ...]`, and `image_mask` `[B, N]`.
            coefficients: Predicted, `[B, N, 257]`.
            points: Predicted, `[B, N, P, 2]`; for the term `dense_landmark` only.

        Raises:
            ValueError: If `batch` lacks what a term needs.
        """
        training_inputs.check_entries(batch, ["image_mask"])
        batch = self._select(batch)
        mask = batch.pop("image_mask")
        images = {name: _join_sets(values) for name, values in batch.items()}
        terms = self._compute_terms(
            images, _join_sets(coefficients), None if points is None else _join_sets(points)
        )
        return {name: _mean_over_images(values, mask) for name, values in terms.items()}

    def get_config(self):
        """See `HybridModel.get_config`; also of the C-Net."""
        return {
            **super().get_config(),
            "c_net": keras.saving.serialize_keras_object(self.c_net),
            "train_r_net": self.train_r_net,
        }


def _join_sets(values: tf.Tensor) -> tf.Tensor:
    """`[B, N, ...]` to `[B * N, ...]`."""
    return tf.reshape(values, (-1, *values.shape[2:]))


def _split_sets(values: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
    """`[B * N, ...]` to `[B, N, ...]`; `sizes` are B and N."""
    return tf.reshape(values, tf.concat([sizes, values.shape[1:]], axis=0))


def _mean_over_images(values: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """`[B]` of `[B * N]`; 0 for a set without images."""
    # Selected, not multiplied: whatever comes of a padded image, even NaN, must not count.
    values = tf.where(mask > 0, tf.reshape(values, tf.shape(mask)), 0.0)
    return tf.math.divide_no_nan(tf.reduce_sum(values, axis=1), tf.reduce_sum(mask, axis=1))
