"""ResNet-50 of the published R-Nets, on top of `keras.applications`; see `VARIANTS`.

Two details differ among them. The first max-pool: in the slim `resnet_v1_50` that Deng et al.
trained, and in He et al.'s own network, its windows start at pixel 0 (padding "same"); the Keras
application and torchvision pad one pixel on every side, so that they start at -1. The layer with
stride 2: the first 1 x 1 convolution of a stage in He et al. and Keras, its 3 x 3 convolution in
torchvision. (Slim has it in the last 3 x 3 convolution of the stage before, which keeps the same
cells of the same maps as the 1 x 1 convolutions: the same function.)
"""

import dataclasses
import os

import keras

from tf_facerecon.core import keras_settings
from tf_facerecon.layers import fused_convolution, fused_normalization
from tf_facerecon.models.converters import resnet50_layers, torchvision_resnet50

_IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)  # of values 0..255; subtracted by He et al. 2016


@dataclasses.dataclass(frozen=True)
class ResNet50Variant:
    """What differs among ResNet-50s with equal layers and weights of equal shapes.

    Attributes:
        strided_kernel: Side of the kernels with stride 2 in stages 3 to 5: 1 or 3.
        pool_padding: Padding of the first max-pool: "same" (windows start at 0) or "symmetric"
            (one pixel on every side, windows start at -1).
        input_format: What RGB in [0, 1] is turned into first: "bgr_centred" (BGR, 0 to 255, minus
            the mean of ImageNet), "bgr" (BGR, 0 to 255) or "rgb" (left as it is).
        epsilon: Added to the variance by batch normalisation.
        momentum: Share of the old moving statistics that a training step keeps.
    """

    strided_kernel: int
    pool_padding: str
    input_format: str
    epsilon: float
    momentum: float


VARIANTS = {
    # Keras' ImageNet weights.
    "imagenet": ResNet50Variant(1, "same", "bgr_centred", epsilon=1.001e-5, momentum=0.99),
    # microsoft/Deep3DFaceReconstruction. TensorFlow's fused operation raises slim's 1e-5.
    "deep3d_tensorflow": ResNet50Variant(1, "same", "bgr", epsilon=1.001e-5, momentum=0.997),
    # sicxu/Deep3DFaceRecon_pytorch; torchvision's network.
    "deep3d_pytorch": ResNet50Variant(3, "symmetric", "rgb", epsilon=1e-5, momentum=0.9),
}


def build_resnet50_backbone(
    image_size: int = 224,
    weights: str | None = None,
    dtype: str | keras.DTypePolicy | None = None,
    variant: str = "imagenet",
    epsilon: float | None = None,
) -> keras.Model:
    """Builds ResNet-50 v1 from RGB images `[B, S, S, 3]` in [0, 1] to named features.

    Args:
        image_size: Side S of the image, pixels.
        weights: `None` for random initialization, "imagenet" or a path. The variant
            "deep3d_pytorch" takes a `.pth` file of torchvision, which needs PyTorch; see
            `converters.torchvision_resnet50`. The others take a file of the Keras application.
        dtype: Dtype or policy of all layers; `None` takes the global policy.
        variant: Name in `VARIANTS`.
        epsilon: Epsilon of batch normalisation; `None` takes that of the variant.

    Returns:
        Functional model with outputs `shallow` `[B, S/4, S/4, 256]` (first residual stage) and
        `deep` `[B, 2048]` (global average).

    Raises:
        FileNotFoundError: If `weights` is "imagenet" and they can be neither found nor downloaded.
        ValueError: If `weights` is a path without a file of this network, or if `variant` is
            unknown.
        ImportError: If PyTorch is needed and not installed.
    """
    if variant not in VARIANTS:
        raise ValueError(f"`variant` must be one of {sorted(VARIANTS)}. Received: {variant!r}.")
    details = VARIANTS[variant]
    if epsilon is not None:
        details = dataclasses.replace(details, epsilon=epsilon)
    is_torchvision = weights is not None and details.strided_kernel == 3
    if weights is not None and weights != "imagenet":
        if is_torchvision != os.fspath(weights).endswith(".pth"):
            raise ValueError(
                f"`weights` of the variant {variant!r} must be a file of "
                f"{'torchvision (.pth)' if is_torchvision else 'the Keras application'}: the "
                f"others have their stride in another convolution. Received: {weights!r}."
            )
    policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
    application = _application(image_size, None if is_torchvision else weights)

    def call(layer, *inputs, **options):
        if _is_strided(layer.name, details) and layer.kernel_size == (3, 3):
            # Padding "same" would add no row above: torchvision's windows start at -1.
            inputs = (
                keras.layers.ZeroPadding2D(1, data_format="channels_last", dtype=policy)(inputs[0]),
            )
        return layer(*inputs, **options)

    network = keras.models.clone_model(
        application,
        clone_function=lambda layer: _clone_layer(layer, policy, details),
        call_function=call,
    )
    network.set_weights(application.get_weights())
    if is_torchvision:
        resnet50_layers.set_convolutions(
            network, torchvision_resnet50.read_torchvision_weights(weights)
        )
    shallow = network.get_layer("conv2_block3_out").output
    deep = keras.layers.GlobalAveragePooling2D("channels_last", dtype=policy)(network.output)
    features = keras.Model(network.inputs, {"shallow": shallow, "deep": deep})

    images = keras.Input((image_size, image_size, 3), dtype="float32", name="image")
    inputs = images
    if details.input_format != "rgb":
        centred = details.input_format == "bgr_centred"
        offset = [-mean for mean in _IMAGENET_MEAN_BGR] if centred else 0.0
        inputs = keras.layers.Rescaling(255.0, offset, dtype=policy, name="imagenet_scale")(
            images[..., ::-1]
        )
    return keras.Model(images, features(inputs), name="resnet50_backbone")


def _application(image_size: int, weights: str | None) -> keras.Model:
    """The Keras application; a failed download raises `FileNotFoundError`."""
    try:
        with keras_settings.layer_defaults():
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


def _clone_layer(
    layer: keras.layers.Layer, policy: keras.DTypePolicy, details: ResNet50Variant
) -> keras.layers.Layer:
    """A layer's copy under `policy`, with the variant's details and fewer operations."""
    config = {**layer.get_config(), "dtype": policy}
    if isinstance(layer, keras.layers.BatchNormalization):
        config.update(epsilon=details.epsilon, momentum=details.momentum)
        return fused_normalization.BatchNormalization.from_config(config)
    if type(layer) is keras.layers.Conv2D:
        if _is_strided(layer.name, details):
            is_strided_one = layer.kernel_size == (details.strided_kernel, details.strided_kernel)
            config["strides"] = (2, 2) if is_strided_one else (1, 1)
            config["padding"] = "valid"
        return fused_convolution.Conv2D.from_config(config)
    if details.pool_padding == "same":
        if layer.name == "pool1_pad":
            config["padding"] = 0
        if layer.name == "pool1_pool":
            config["padding"] = "same"
    return type(layer).from_config(config)


def _is_strided(name: str, details: ResNet50Variant) -> bool:
    """Whether a layer is one of the two convolutions between which the stride moves."""
    strided = {f"conv{stage}_block1_{k}_conv" for stage in (3, 4, 5) for k in (1, 2)}
    return details.strided_kernel == 3 and name in strided
