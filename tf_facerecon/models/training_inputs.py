"""Checks of what users give to `HybridModel` and `ImageSetModel`: arguments and batches.

The checks of batches look at keys, static shapes and types alone, so they cost nothing per step.
"""

import os
from collections.abc import Collection, Mapping
from typing import Any

import keras
import tensorflow as tf

from tf_facerecon.core import checks
from tf_facerecon.layers.face_decoder import FaceDecoder


def check_networks(r_net: Any, decoder: Any, identity_network: Any) -> None:
    """Checks the types of the constructor's arguments, and that the networks fit the decoder.

    Raises:
        ValueError: If one is of another type, or `r_net` predicts another number of coefficients
            than the decoder takes.
    """
    check_type("r_net", r_net, keras.Model)
    check_type("decoder", decoder, FaceDecoder)
    is_named = isinstance(identity_network, (str, os.PathLike))
    if not (identity_network is None or is_named or callable(identity_network)):
        raise ValueError(
            "`identity_network` must be a name, the path of a `.keras` file, a callable or None. "
            f"Received: {identity_network!r}."
        )
    width = _num_outputs(r_net)
    if width is not None and width != decoder.layout.total:
        raise ValueError(
            f"`r_net` must predict the {decoder.layout.total} coefficients that `decoder` takes "
            f"({decoder.layout}). Received: a network with {width} outputs."
        )


def check_type(name: str, value: Any, expected: type) -> None:
    """Raises unless `value` is an instance of `expected`.

    Raises:
        ValueError: If it is of another type.
    """
    if not isinstance(value, expected):
        raise ValueError(
            f"`{name}` must be a {expected.__name__}. Received: {value!r} of type "
            f"{type(value).__name__}."
        )


def check_no_loss(**arguments: Any) -> None:
    """Raises if one of `compile`'s arguments about losses and metrics was given.

    Raises:
        ValueError: If one is not `None`.
    """
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(
                f"`compile` takes no `{name}`: the loss is the model's own, made of the terms in "
                f"the constructor's `loss_weights`, which are also the metrics. "
                f"Received: {value!r}."
            )


def unpack_batch(data: Any) -> Mapping[str, tf.Tensor]:
    """The dict of a batch: the dict itself, or a tuple of nothing else.

    Raises:
        ValueError: If `data` holds targets or sample weights, or no dict.
    """
    batch, targets, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    if targets is not None or sample_weight is not None or not isinstance(batch, Mapping):
        kinds = [type(part).__name__ for part in data] if isinstance(data, tuple) else type(data)
        raise ValueError(
            "A dataset must yield dicts of images and labels; the labels are entries of the dict, "
            f"and targets or sample weights beside it have no meaning. Received: {kinds}."
        )
    return batch


def check_entries(batch: Any, keys: Collection[str]) -> None:
    """Raises unless `batch` is a dict that holds what the networks take.

    Raises:
        ValueError: If it is no dict or lacks one of `keys`.
    """
    if not isinstance(batch, Mapping):
        raise ValueError(f"A batch must be a dict. Received: {type(batch).__name__}.")
    missing = [key for key in keys if key not in batch]
    if missing:
        raise ValueError(
            f"The networks need the entries {missing} of a batch. Received: {sorted(batch)}."
        )


def check_batch(
    batch: Mapping[str, tf.Tensor], decoder: FaceDecoder, leading: tuple[None, ...]
) -> None:
    """Checks shapes and types of the documented entries that `batch` has.

    Args:
        batch: Entries by key, see `HybridModel`; others are not looked at.
        decoder: Its camera gives the size of images, its layout the number of coefficients.
        leading: The axes before those of one image: B, or B and N.

    Raises:
        ValueError: If a shape differs, or images are no floating-point numbers.
    """
    size = decoder.camera.image_size
    shapes = {
        "image": (size, size, 3),
        "skin": (size, size, 1),
        "landmarks": (68, 2),
        "landmark_weights": (68,),
        "five_points": (5, 2),
        "coefficients": (decoder.layout.total,),
        "has_truth": (),
        "person": (),
        "image_mask": (),
    }
    for key, shape in shapes.items():
        if key in batch:
            checks.check_shape(key, batch[key], (*leading, *shape))
    for key in ("image", "skin"):
        if key in batch and not tf.as_dtype(batch[key].dtype).is_floating:
            raise ValueError(
                f"`{key}` must hold floating-point numbers in [0, 1]. "
                f"Received: dtype {tf.as_dtype(batch[key].dtype).name}; divide 8-bit values by 255."
            )


def _num_outputs(r_net: keras.Model) -> int | None:
    """Number of coefficients, if the network says so before it is called."""
    layout = getattr(getattr(r_net, "heads", None), "layout", None)
    if layout is not None:
        return layout.total
    shape = getattr(r_net, "output_shape", None) if hasattr(r_net, "outputs") else None
    return shape[-1] if isinstance(shape, tuple) else None
