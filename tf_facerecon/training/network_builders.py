"""The R-Net of a training run, with its initial weights."""

from tf_facerecon.models.r_net import RNet
from tf_facerecon.morphable_models.coefficients import CoefficientLayout
from tf_facerecon.morphable_models.morphable_model import MorphableModel


def build_r_net(
    layout: CoefficientLayout,
    face_model: MorphableModel,
    backbone: str,
    backbone_weights: str | None = None,
    initial_weights: str | None = None,
    precision: str = "float32",
    backbone_variant: str | None = None,
    half_pixel_offset: bool = False,
) -> RNet:
    """An R-Net that predicts coefficients of `face_model`.

    Args:
        layout: Widths of the coefficient groups.
        face_model: Its name and fingerprint are stored in the network.
        backbone: "small" or "resnet50".
        backbone_weights: Initial weights of "resnet50", see `RNet`.
        initial_weights: Preset or `.keras` file whose weights are copied.
        precision: Keras dtype policy of the network.
        backbone_variant: Variant of "resnet50", see `RNet`; that of `initial_weights` if `None`, or
            "imagenet" without any.
        half_pixel_offset: Of the camera that it is trained with, see `RNet`.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If `initial_weights` are of another backbone, variant or face model.
    """
    source = None if initial_weights is None else RNet.from_preset(initial_weights)
    if source is not None:
        _check_source(source, layout, face_model, backbone, initial_weights)
        # The weights that are copied fit one variant of ResNet-50 only.
        if backbone_variant not in (None, source.backbone_variant):
            raise ValueError(
                f"The initial weights {initial_weights!r} are of the variant "
                f"{source.backbone_variant!r}. Expected: {backbone_variant!r}."
            )
        backbone_variant = source.backbone_variant
    r_net = RNet.for_face_model(
        face_model,
        backbone,
        layout.lighting,
        head_scales=None if source is None else source.heads.scales,
        backbone_weights=backbone_weights,
        backbone_variant=backbone_variant or "imagenet",
        backbone_epsilon=None if source is None else source.backbone_epsilon,
        half_pixel_offset=half_pixel_offset,
        dtype=precision,
    )
    if source is not None:
        r_net.set_weights(source.get_weights())
    return r_net


def _check_source(
    source: RNet, layout: CoefficientLayout, face_model: MorphableModel, backbone: str, name: str
) -> None:
    """Raises `ValueError` unless the weights of `source` fit a network of these arguments."""
    # Networks converted from other programs have no fingerprint: there, the name decides.
    if not source.face_model_fingerprint:
        is_other = source.face_model != face_model.name
    else:
        is_other = source.face_model_fingerprint != face_model.fingerprint
    if is_other:
        raise ValueError(
            f"The initial weights {name!r} belong to another face model, or to another version of "
            f"this one: {source.face_model!r} (fingerprint {source.face_model_fingerprint[:12]}"
            f"...), whose coefficients are not those of {face_model.name!r} (fingerprint "
            f"{face_model.fingerprint[:12]}...). Start with one of the latter."
        )
    if source.backbone_name != backbone:
        raise ValueError(
            f"The initial weights {name!r} are of the backbone {source.backbone_name!r}. "
            f"Expected: {backbone!r}."
        )
    if source.heads.sizes != layout.sizes:
        raise ValueError(
            f"The initial weights {name!r} answer other coefficients, {dict(source.heads.sizes)}. "
            f"Expected: {dict(layout.sizes)}."
        )
