"""ResNet-50 as R-Net's paper uses it, on top of `keras.applications`.

One layer differs: the first max-pool. Its windows start at pixel 0 (padding "same"), as in the
slim `resnet_v1_50` that Deng et al. trained and as in He et al.'s own network; the Keras
application pads one pixel on every side, so that its windows start at -1.

Images are preprocessed as Keras' ImageNet weights expect (BGR, the mean subtracted). The published
R-Nets take BGR 0 to 255 as it is (TensorFlow) or RGB 0 to 1 (PyTorch): their weights would need
their own preprocessing.
"""

import keras

from tf_facerecon.layers import fused_convolution, fused_normalization

_IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)  # of values 0..255; subtracted by He et al. 2016


def build_resnet50_backbone(
    image_size: int = 224,
    weights: str | None = None,
    dtype: str | keras.DTypePolicy | None = None,
) -> keras.Model:
    """Builds ResNet-50 v1 from RGB images `[B, S, S, 3]` in [0, 1] to named features.

    Args:
        image_size: Side S of the image, pixels.
        weights: `None` for random ones, "imagenet" (downloaded by Keras) or the path of a file.
        dtype: Dtype or policy of all layers; `None` takes the global policy.

    Returns:
        Functional model with outputs `shallow` `[B, S/4, S/4, 256]` (first residual stage) and
        `deep` `[B, 2048]` (global average).

    Raises:
        FileNotFoundError: If `weights` is "imagenet" and they can be neither found nor downloaded.
        ValueError: If `weights` is a path without a file of this network.
    """
    policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
    application = _application(image_size, weights)
    network = keras.models.clone_model(
        application, clone_function=lambda layer: _clone_layer(layer, policy)
    )
    network.set_weights(application.get_weights())
    shallow = network.get_layer("conv2_block3_out").output
    deep = keras.layers.GlobalAveragePooling2D(dtype=policy)(network.output)
    features = keras.Model(network.inputs, {"shallow": shallow, "deep": deep})

    images = keras.Input((image_size, image_size, 3), name="image")
    bgr = images[..., ::-1]
    centred = keras.layers.Rescaling(
        255.0, [-mean for mean in _IMAGENET_MEAN_BGR], dtype=policy, name="imagenet_scale"
    )(bgr)
    return keras.Model(images, features(centred), name="resnet50_backbone")


def _application(image_size: int, weights: str | None) -> keras.Model:
    """The Keras application; a failed download raises `FileNotFoundError`."""
    try:
        return keras.applications.ResNet50(
            include_top=False, weights=weights, input_shape=(image_size, image_size, 3)
        )
    except Exception as error:
        # Keras raises a bare `Exception` where there is no answer, `OSError` where it breaks off.
        if weights != "imagenet" or not (type(error) is Exception or isinstance(error, OSError)):
            raise
        raise FileNotFoundError(
            "ResNet-50's ImageNet weights are not in Keras' cache, and could not be downloaded "
            f"({error}). Get resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5 on a connected "
            "machine and give its path: `network.backbone_weights=PATH`, or `weights` here."
        ) from error


def _clone_layer(layer: keras.layers.Layer, policy: keras.DTypePolicy) -> keras.layers.Layer:
    """A layer's copy under `policy`, with slim's first max-pool and fewer operations."""
    config = {**layer.get_config(), "dtype": policy}
    if isinstance(layer, keras.layers.BatchNormalization):
        return fused_normalization.BatchNormalization.from_config(config)
    if type(layer) is keras.layers.Conv2D:
        return fused_convolution.Conv2D.from_config(config)
    if layer.name == "pool1_pad":
        config["padding"] = 0
    if layer.name == "pool1_pool":
        config["padding"] = "same"
    return type(layer).from_config(config)
