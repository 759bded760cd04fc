"""R-Net, decoder and hybrid-level loss as one `keras.Model` with its own training step."""

import os
from collections.abc import Callable, Mapping

import keras
import tensorflow as tf

from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.losses import hybrid, photometric
from tf_facerecon.models import identity_network as identity_networks
from tf_facerecon.models import presets, training_inputs
from tf_facerecon.models.hybrid_terms import HybridTerms, check_loss_weights
from tf_facerecon.morphable_models import vertex_sampling


@keras.saving.register_keras_serializable(package="tf_facerecon")
class HybridModel(keras.Model):
    """Trains an R-Net through the decoder with the hybrid-level loss of Deng et al. 2019, Sec. 4.

        model = HybridModel(RNet.for_face_model("ict_london"), FaceDecoder("ict_london"))
        model.compile(keras.optimizers.Adam(1e-4))
        model.fit(dataset)

    The loss is the model's own: `compile` takes an optimizer, and neither losses nor metrics. The
    optimizer does gradient accumulation (`gradient_accumulation_steps`; on one replica, Keras'
    optimizers do not accumulate under a `tf.distribute` strategy of several) and clipping
    (`global_clipnorm`). Under `mixed_float16`, the policy of the R-Net unless `dtype` says
    otherwise, `compile` wraps it in a `keras.optimizers.LossScaleOptimizer`.

    Datasets yield dicts of float32 tensors (other types of labels are cast), alone or as tuples of
    one dict. Entries that no term needs are ignored. Which entries a term needs is in
    `hybrid_terms.BATCH_KEYS`; images and landmarks are those of the aligned crop, H = W = 224
    (`decoder.camera.image_size`):

    | key                | shape          | content                                               |
    |--------------------|----------------|-------------------------------------------------------|
    | `image`            | `[B, H, W, 3]` | RGB in [0, 1]                                         |
    | `skin`             | `[B, H, W, 1]` | skin probability in [0, 1]                            |
    | `landmarks`        | `[B, 68, 2]`   | column and row, pixels                                |
    | `landmark_weights` | `[B, 68]`      | 1, or 0 for a landmark that is not known              |
    | `five_points`      | `[B, 5, 2]`    | eye centres, nose tip, mouth corners; pixels          |
    | `coefficients`     | `[B, 257]`     | true coefficients (synthetic faces only)              |
    | `has_truth`        | `[B]`          | 1, or 0 for photographs among synthetic faces         |
    | `person`           | `[B]`          | number of the person, equal for photographs of one    |

    Only the R-Net is trained. A saved model (`model.save("model.keras")`, or a checkpoint) holds
    the R-Net's weights, the optimizer's state and the configuration. It holds no weights of the
    identity network, only its name, and no face basis, only the face model's name and fingerprint:
    both must be available when it is loaded. `model.r_net.save("r_net.keras")` saves the R-Net
    alone.

    Args:
        r_net: Built Keras model, images `[B, H, W, 3]` in [0, 1] to coefficients `[B, 257]`; for
            the term `dense_landmark` an `RNet` whose features have `points`.
        decoder: `FaceDecoder` of the face model whose coefficients `r_net` predicts.
        identity_network: Frozen network of the perceptual term: a name or path for
            `identity_network.load_identity_network`, or a callable from images in [0, 1] to
            embeddings `[B, D]` with an argument `training`. One with a true `takes_five_points`
            (ArcFace) also gets the `five_points` `[B, 5, 2]` of the labels or of the rendered
            faces. Not used, and may be `None`, if the perceptual term has no weight.
        loss_weights: Weight of each term, by name (`hybrid_terms.TERMS`). By default the paper's,
            and `five_point` for images without 68 landmarks (`losses.DEFAULT_LOSS_WEIGHTS`; the
            published weights alone are `losses.PAPER_LOSS_WEIGHTS`). A term of weight 0, or
            without an entry, is not computed; if no remaining term compares pixels nothing is
            rendered.
        photometric_definition: "paper", or "deep3d" for that of the authors' code: skin
            probabilities as they are, and one mean over the whole batch; see `losses.photometric`.

    Raises:
        ValueError: If `loss_weights` names an unknown term, holds a negative weight or no positive
            one, or has a perceptual term without an `identity_network`, or dense landmarks with a
            network that predicts no points; or if an argument has another type, or `r_net` predicts
            another number of coefficients than `decoder` takes.
        FileNotFoundError: If the named identity network is not available.
    """

    _TRAINED_NETWORK = "r_net"
    _INPUTS = ("image",)
    _LEADING_AXES = (None,)

    def __init__(
        self,
        r_net: keras.Model,
        decoder: FaceDecoder,
        identity_network: str | os.PathLike | Callable | None = "identity_small",
        loss_weights: Mapping[str, float] = hybrid.DEFAULT_LOSS_WEIGHTS,
        photometric_definition: photometric.Definition = "paper",
        **kwargs,
    ):
        training_inputs.check_networks(r_net, decoder, identity_network)
        # Inputs are not cast: the R-Net casts its own, and labels need their full precision.
        super().__init__(**{"dtype": r_net.dtype_policy, **kwargs, "autocast": False})
        check_loss_weights(loss_weights)
        self.r_net = r_net
        self.decoder = decoder
        self.term_weights = {name: float(w) for name, w in loss_weights.items() if w > 0}
        self.loss_metric = keras.metrics.Mean(name="loss", dtype="float32")
        self.term_metrics = {
            name: keras.metrics.Mean(name=name, dtype="float32") for name in self.term_weights
        }
        embed, embed_by_points = self._load_identity_network(identity_network)
        point_vertices = None
        if "dense_landmark" in self.term_weights:
            point_vertices = vertex_sampling.sample_vertices(decoder.face_model, _num_points(r_net))
        self.photometric_definition = photometric_definition
        self._compute_terms = HybridTerms(
            self.term_weights,
            decoder,
            embed,
            embed_by_points,
            point_vertices,
            photometric_definition,
        )
        self.built = True

    @property
    def renders(self) -> bool:
        """Whether a term compares pixels, so that images are rendered."""
        return self._compute_terms.renders

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Epoch means of the loss and of its unweighted terms."""
        return [self.loss_metric, *self.term_metrics.values()]

    def compile(
        self,
        optimizer="rmsprop",
        loss=None,
        loss_weights=None,
        metrics=None,
        weighted_metrics=None,
        **kwargs,
    ):
        """As of other Keras models, without losses and metrics: those are the model's own.

        Raises:
            ValueError: If `loss`, `loss_weights`, `metrics` or `weighted_metrics` is given.
        """
        training_inputs.check_no_loss(
            loss=loss,
            loss_weights=loss_weights,
            metrics=metrics,
            weighted_metrics=weighted_metrics,
        )
        super().compile(optimizer, **kwargs)

    def compile_from_config(self, config):
        """Compiles a loaded model. Keras does not do it by itself if `compile` is overridden."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def call(self, batch, training=False):
        """Predictions of the R-Net for `batch["image"]`, as arguments of `loss_terms`."""
        self._check_inputs(batch)
        if "dense_landmark" not in self.term_weights:
            return {"coefficients": self.r_net(batch["image"], training=training)}
        features = self.r_net.features(batch["image"], training=training)
        return {"coefficients": self.r_net.heads(features["deep"]), "points": features["points"]}

    def train_step(self, data):
        """One optimizer step on a batch; returns the epoch's means of loss and terms by name.

        Raises:
            ValueError: If all variables are frozen, or the batch lacks what a term needs or an
                entry has another shape or type than documented.
        """
        batch = self._unpack(data)
        variables = self.trainable_variables
        if not variables:
            raise ValueError(f"Nothing to train: every variable of {self.name!r} is frozen.")
        with tf.GradientTape() as tape:
            predictions = self(batch, training=True)
            terms = self.loss_terms(batch, **predictions)
            loss = hybrid.total_loss(terms, self.term_weights)
            # Optimizers sum gradients over replicas, of which each has the mean of its own share.
            replica_loss = loss / tf.distribute.get_strategy().num_replicas_in_sync
            # Under `mixed_float16`, so large that small gradients do not vanish.
            scaled_loss = self.optimizer.scale_loss(replica_loss)
        gradients = tape.gradient(scaled_loss, variables)
        # Divides by the scale of the loss and skips overflows; adds up the gradients of
        # `gradient_accumulation_steps` batches; clips their mean by its global norm; updates.
        self.optimizer.apply(gradients, variables)
        return self._update_metrics(batch, loss, terms)

    def test_step(self, data):
        """Measures a batch; returns the means so far of loss and terms by name."""
        batch = self._unpack(data)
        predictions = self(batch, training=False)
        terms = self.loss_terms(batch, **predictions)
        loss = hybrid.total_loss(terms, self.term_weights)
        return self._update_metrics(batch, loss, terms)

    def loss_terms(
        self,
        batch: Mapping[str, tf.Tensor],
        coefficients: tf.Tensor,
        points: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """The unweighted terms `{name: [B]}` of predictions for `batch`; see `HybridTerms`."""
        return self._compute_terms(self._select(batch), coefficients, points)

    def _check_inputs(self, batch):
        """Raises unless `batch` holds what the networks take."""
        training_inputs.check_entries(batch, self._INPUTS)
        inputs = {key: batch[key] for key in self._INPUTS}
        training_inputs.check_batch(inputs, self.decoder, self._LEADING_AXES)

    def _unpack(self, data):
        """What networks and terms take of a dataset's element, checked, in float32."""
        batch = training_inputs.unpack_batch(data)
        self._check_inputs(batch)
        self._compute_terms.check_keys(batch)
        return self._select(batch)

    def _select(self, batch):
        """The entries that networks and terms take, as far as `batch` has them, in float32."""
        wanted = self._compute_terms.keys.union(self._INPUTS)
        selected = {key: batch[key] for key in batch if key in wanted}
        training_inputs.check_batch(selected, self.decoder, self._LEADING_AXES)
        return {key: tf.cast(values, tf.float32) for key, values in selected.items()}

    def get_config(self):
        """Constructor arguments; of the networks and the decoder, their configurations.

        Raises:
            ValueError: If the identity network was given as an object: its weights do not belong
                into the file, and nothing says where to find them again.
        """
        if self._unnamed_identity_network:
            raise ValueError(
                f"{type(self).__name__} can only be saved if its `identity_network` was given by "
                "name: 'identity_small', 'facenet' or the path of a `.keras` file. Received: "
                f"{self._unnamed_identity_network}. Save its weights (`save_weights`), or the "
                f"trained network alone (`model.{self._TRAINED_NETWORK}.save`)."
            )
        return {
            **super().get_config(),
            "r_net": keras.saving.serialize_keras_object(self.r_net),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "identity_network": self._identity_network_name,
            "loss_weights": dict(self.term_weights),
            "photometric_definition": self.photometric_definition,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model of a configuration, its networks with fresh weights.

        Args:
            config: As of `get_config`.
            custom_objects: `{name: class}` of classes that are not registered with Keras.
        """
        nested = {
            key: keras.saving.deserialize_keras_object(value, custom_objects=custom_objects)
            for key, value in config.items()
            if key in ("r_net", "c_net", "decoder")
        }
        return cls(**{**config, **nested})

    def _load_identity_network(self, network):
        """The identity network as a function, and whether it takes points; `None` if not needed."""
        is_named = isinstance(network, (str, os.PathLike))
        self._identity_network_name = os.fspath(network) if is_named else None
        self._unnamed_identity_network = None
        self.identity_fingerprint = None
        if "perceptual" not in self.term_weights:
            return None, False
        if network is None:
            raise ValueError("The term `perceptual` needs an `identity_network`. Received: None.")
        if is_named:
            network = identity_networks.load_identity_network(self._identity_network_name)
        else:
            self._unnamed_identity_network = repr(network)
        if isinstance(network, keras.Model):
            self.identity_fingerprint = presets.weights_fingerprint(network)
        # A closure is not tracked: the optimizer never sees the network, nor does a checkpoint.
        return (
            lambda images, **points: network(images, training=False, **points),
            bool(getattr(network, "takes_five_points", False)),
        )

    def _update_metrics(self, batch, loss, terms):
        self.loss_metric.update_state(loss, sample_weight=tf.shape(batch["image"])[0])
        for name, values in terms.items():
            self.term_metrics[name].update_state(values)
        return {metric.name: metric.result() for metric in self.metrics}


def _num_points(r_net) -> int:
    outputs = r_net.backbone.output if hasattr(r_net, "backbone") else {}
    if "points" not in outputs:
        raise ValueError(
            "The term `dense_landmark` needs a network that predicts points, an `RNet` with the "
            f"backbone 'small'. Received: {type(r_net).__name__} {r_net.name!r}."
        )
    return outputs["points"].shape[1]
