"""What a training run is: sections of named settings, read from YAML and checked once.

An unknown key, a wrong type or a value out of range is a `ValueError` in plain words that names
the file, the key and, for an unknown one, the nearest key that exists.
"""

import os
import pathlib
from collections.abc import Iterable
from typing import Annotated, Literal

import pydantic
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from tf_facerecon.morphable_models.model_sources import DEFAULT
from tf_facerecon.training import yaml_settings

Fraction = Annotated[float, Field(gt=0.0, le=1.0)]


class RunSettings(yaml_settings.Section):
    """What makes two runs the same.

    Attributes:
        seed: Of the initial weights and of the data.
        deterministic: Whether operations without a reproducible order are refused; only then does
            a resumed run end with exactly the weights of an uninterrupted one.
    """

    seed: NonNegativeInt = 0
    deterministic: bool = True


class FaceModelSettings(yaml_settings.Section):
    """The 3DMM: a name or path for `MorphableModel.from_preset`."""

    name: str = DEFAULT


class RendererSettings(yaml_settings.Section):
    """The mesh renderer: "native", or "tensorflow_graphics" where that library is installed."""

    backend: Literal["native", "tensorflow_graphics"] = "native"


class LandmarkSettings(yaml_settings.Section):
    """What the 68 landmarks of the decoder are.

    Attributes:
        jaw: "fixed" vertices, as 3D labels, or the visible "contour", as 2D labels of turned heads
            (300-W, MediaPipe); see `layers.ContourLandmarks`. Photographs' labels must be of the
            same kind; those of synthetic faces are.
    """

    jaw: Literal["fixed", "contour"] = "fixed"


class NetworkSettings(yaml_settings.Section):
    """The R-Net.

    Attributes:
        backbone: "small" (for CPUs) or "resnet50" (the paper's).
        num_lighting: 27 for RGB light, 9 for the paper's white light.
        backbone_weights: Start of "resnet50": none (random), "imagenet", or a path; a `.pth` file
            of torchvision for the variant "deep3d_pytorch".
        backbone_variant: Variant of "resnet50": "imagenet", "deep3d_tensorflow" or
            "deep3d_pytorch", see `backbones.resnet50.VARIANTS`; none for that of `initial_weights`,
            or "imagenet" without any.
        initial_weights: Preset or `.keras` file to start from; its backbone must be the same.
        precision: Of the network's arithmetic; geometry and losses are always float32.
    """

    backbone: Literal["small", "resnet50"] = "small"
    num_lighting: Literal[9, 27] = 27
    backbone_weights: str | None = None
    backbone_variant: Literal["imagenet", "deep3d_tensorflow", "deep3d_pytorch"] | None = None
    initial_weights: str | None = None
    precision: Literal["float32", "mixed_bfloat16"] = "float32"

    @pydantic.model_validator(mode="after")
    def _one_start(self):
        if self.backbone_weights and self.initial_weights:
            raise ValueError("`initial_weights` replace `backbone_weights`: give one of them")
        return self


class SyntheticData(yaml_settings.Section):
    """An endless dataset of rendered random faces of the face model.

    Attributes:
        batch_size: Faces of a step.
        pixel_step: See `synthetic_dataset.build_synthetic_dataset`, as for the others.
        pool_batches: How many different batches are drawn; none for fresh ones all the time.
        lifelike: Whether faces smile, skin has wrinkles and images are augmented photometrically.
            Never so for validation.
        max_yaw: Largest yaw, degrees; see `coefficient_sampling.FaceDistribution`. Validation
            faces always have 45.
    """

    kind: Literal["synthetic"] = "synthetic"
    batch_size: PositiveInt = 32
    pixel_step: PositiveInt = 1
    pool_batches: PositiveInt | None = None
    lifelike: bool = False
    max_yaw: Annotated[float, Field(ge=0, le=90)] = 45.0


class PhotoData(yaml_settings.Section):
    """A folder of photographs, prepared as `datasets/photo_dataset.py` describes.

    Attributes:
        folder: Where the photographs are.
        validation_folder: Photographs to measure the loss on; needed for `validation_batches`.
        prepared_folder: Where the aligned crops of `folder` are kept; none for a folder in it.
        validation_prepared_folder: The same for `validation_folder`.
        skin_model: `.npz` of `tf-facerecon train-skin-model`; none for the published skin colours.
        per_person: How many photographs of one person follow each other, for the loss
            `shape_consistency`; every folder of photographs is then one person.
        augment: Whether crops are shifted, scaled, turned and mirrored.
        landmarks_y_up: Whether landmark files count rows from below, as Deng's do.
    """

    kind: Literal["photos"]
    folder: str
    validation_folder: str | None = None
    prepared_folder: str | None = None
    validation_prepared_folder: str | None = None
    skin_model: str | None = None
    batch_size: PositiveInt = 5
    per_person: Annotated[int, Field(ge=2)] | None = None
    augment: bool = True
    landmarks_y_up: bool = False

    @pydantic.model_validator(mode="after")
    def _prepared_apart(self):
        prepared = self.prepared_folder
        other = self.validation_prepared_folder
        if None not in (prepared, other) and _resolved(prepared) == _resolved(other):
            raise ValueError(
                "`prepared_folder` and `validation_prepared_folder` must be two folders. "
                f"Received: {prepared!r} for both"
            )
        return self


class Deep3DTensorFlowData(yaml_settings.Section):
    """A folder prepared by microsoft/Deep3DFaceReconstruction; see `datasets/deep3d_folders.py`.

    Attributes:
        folder: Aligned crops, with their `lm_bin` and `mask`.
        validation_folder: Another such folder to measure the loss on; needed for
            `validation_batches`.
        batch_size: Crops of a step.
        reference_quirks: Whether the face is rendered half a pixel beside its landmarks, as by that
            code and its published weights, see `PerspectiveCamera`.
    """

    kind: Literal["deep3d_tensorflow"]
    folder: str
    validation_folder: str | None = None
    batch_size: PositiveInt = 16
    reference_quirks: bool = False


class Deep3DPyTorchData(yaml_settings.Section):
    """Lists of photographs prepared by sicxu/Deep3DFaceRecon_pytorch; see the same module.

    Attributes:
        folder: What the paths in the lists are relative to: the checkout of that repository.
        list_file: List of the masks of the photographs to train on, relative to `folder`.
        validation_list_file: The same of those to measure the loss on, for `validation_batches`.
        batch_size: Photographs of a step.
        augment: Whether crops are shifted, scaled, turned and mirrored.
        reference_quirks: Whether to repeat the inaccuracies of that code and its published weights:
            the face half a pixel beside its landmarks, landmarks of crops and augmented ones off by
            one or two pixels, and a region of the photometric loss with wrong triangles.
    """

    kind: Literal["deep3d_pytorch"]
    folder: str
    list_file: str = "datalist/train/masks.txt"
    validation_list_file: str = "datalist/val/masks.txt"
    batch_size: PositiveInt = 32
    augment: bool = True
    reference_quirks: bool = False

    @pydantic.model_validator(mode="after")
    def _lists_apart(self):
        if _resolved(self.list_file) == _resolved(self.validation_list_file):
            raise ValueError(
                "`list_file` and `validation_list_file` must be two lists. "
                f"Received: {self.list_file!r} for both"
            )
        return self


class LossWeights(yaml_settings.Section):
    """Weight of every term of the loss; a term of weight 0 is not computed.

    Attributes:
        photometric: Skin-attended colour distance.
        landmark: 68 landmarks, squared pixels.
        five_point: Eyes, nose and mouth corners of images without 68 landmarks, squared pixels.
        perceptual: Cosine distance of identity embeddings.
        coefficient: Size of identity, expression and texture coefficients.
        identity_norm: Squared norm of the identity coefficients alone. With the two that follow, in
            place of `coefficient`, whose ratio of the three is that of the Basel models.
        expression_norm: See `identity_norm`.
        texture_norm: See `identity_norm`.
        albedo_flatness: Variance of the albedo over the skin.
        white_light: Distance of the light from grey.
        shape_consistency: Triplet loss of the identity coefficients; needs `data.per_person`.
        vertices: Squared distance to the true shape, mm²; synthetic faces only.
        albedo: Squared distance to the true albedo, squared per cent; synthetic faces only.
        dense_landmark: Distance of the points that the small network predicts to the projected
            vertices, pixels; synthetic faces only.
        identity_mse: Mean squared error of the identity coefficients, in their squared unit, as all
            `..._mse` of their groups; synthetic faces only.
        expression_mse: See `identity_mse`.
        texture_mse: See `identity_mse`.
        rotation_mse: See `identity_mse`.
        lighting_mse: See `identity_mse`.
        translation_mse: See `identity_mse`.
    """

    photometric: NonNegativeFloat = 0.0
    landmark: NonNegativeFloat = 0.0
    five_point: NonNegativeFloat = 0.0
    perceptual: NonNegativeFloat = 0.0
    coefficient: NonNegativeFloat = 0.0
    identity_norm: NonNegativeFloat = 0.0
    expression_norm: NonNegativeFloat = 0.0
    texture_norm: NonNegativeFloat = 0.0
    albedo_flatness: NonNegativeFloat = 0.0
    white_light: NonNegativeFloat = 0.0
    shape_consistency: NonNegativeFloat = 0.0
    vertices: NonNegativeFloat = 0.0
    albedo: NonNegativeFloat = 0.0
    dense_landmark: NonNegativeFloat = 0.0
    identity_mse: NonNegativeFloat = 0.0
    expression_mse: NonNegativeFloat = 0.0
    texture_mse: NonNegativeFloat = 0.0
    rotation_mse: NonNegativeFloat = 0.0
    lighting_mse: NonNegativeFloat = 0.0
    translation_mse: NonNegativeFloat = 0.0

    @pydantic.model_validator(mode="after")
    def _some_term(self):
        if not any(self.model_dump().values()):
            raise ValueError("at least one term must have a positive weight")
        return self

    def ground_truth_terms(self) -> list[str]:
        """Terms of positive weight that only synthetic faces can have."""
        positive = [name for name, weight in self.model_dump().items() if weight > 0]
        others = ("vertices", "albedo", "dense_landmark")
        return [name for name in positive if name in others or name.endswith("_mse")]


class PhotometricSettings(yaml_settings.Section):
    """The photometric term: as "paper" or code of Deng et al. ("deep3d") define it.

    Attributes:
        definition: See `losses.photometric`: the code takes skin probabilities as they are, and one
            mean over the whole batch.
    """

    definition: Literal["paper", "deep3d"] = "paper"


class PerceptualSettings(yaml_settings.Section):
    """The frozen identity network of the perceptual term.

    Attributes:
        network: "identity_small" (trained on procedural faces), "facenet", "facenet_deep3d" (an
            older one, fed as by microsoft/Deep3DFaceReconstruction), "arcface" or "mobilefacenet".
        weights: Preset or file of its weights; none takes the shipped or downloaded ones, which
            ArcFace and MobileFaceNet do not have.
    """

    network: Literal["identity_small", "facenet", "facenet_deep3d", "arcface", "mobilefacenet"] = (
        "identity_small"
    )
    weights: str | None = None


class OptimizerSettings(yaml_settings.Section):
    """Adam and its learning rate.

    Attributes:
        learning_rate: Highest learning rate.
        decay: "cosine" to 0 at the last step, "step" (times `decay_factor` every `decay_steps`
            steps), or "constant".
        decay_steps: Of "step" alone.
        decay_factor: Of "step" alone.
        warmup_steps: Steps over which the learning rate first rises from 0.
        clip_norm: Largest norm of the whole gradient; none for no limit.
        accumulation_steps: Batches whose mean gradient makes one step, for batches that do not fit
            into memory. `schedule.steps` counts steps, `data.batch_size` images of one batch.
    """

    learning_rate: PositiveFloat = 1e-4
    decay: Literal["cosine", "step", "constant"] = "cosine"
    decay_steps: PositiveInt = 100_000
    decay_factor: Fraction = 0.2
    warmup_steps: NonNegativeInt = 0
    clip_norm: PositiveFloat | None = None
    accumulation_steps: PositiveInt = 1

    @pydantic.model_validator(mode="after")
    def _steps_where_they_count(self):
        for name in ("decay_steps", "decay_factor"):
            given, default = getattr(self, name), type(self).model_fields[name].default
            if self.decay != "step" and given != default:
                raise ValueError(
                    f'`{name}` means something with `decay: step` only, not with "{self.decay}"'
                )
        return self


class StepSettings(yaml_settings.Section):
    """How long to train; an epoch is `steps_per_epoch` steps, after which the loss is recorded."""

    steps: PositiveInt = 12_000
    steps_per_epoch: PositiveInt = 200


class ScheduleSettings(StepSettings):
    """Also on how many batches of unseen faces the loss is measured after each epoch."""

    validation_batches: NonNegativeInt = 0


class CheckpointSettings(yaml_settings.Section):
    """When to save everything that a killed run needs to resume; 0 switches a trigger off."""

    every_steps: NonNegativeInt = 1_000
    every_seconds: NonNegativeFloat = 120.0
    keep: PositiveInt = 2


class LoggingSettings(yaml_settings.Section):
    """What to show on the way.

    Attributes:
        progress: Whether to draw a progress bar.
        panel_epochs: Draw photo, overlay and shape every so many epochs; 0 for never.
        panel_faces: How many faces to draw.
    """

    progress: bool = True
    panel_epochs: NonNegativeInt = 5
    panel_faces: PositiveInt = 4


class TrainingConfig(yaml_settings.Section):
    """All settings of one training run; `load_config` reads it.

    `renderings` are synthetic faces that are added to every batch of photographs (their
    `batch_size` to that of `data`); terms that need the truth count for these alone.
    """

    run: RunSettings = RunSettings()
    face_model: FaceModelSettings = FaceModelSettings()
    renderer: RendererSettings = RendererSettings()
    landmarks: LandmarkSettings = LandmarkSettings()
    network: NetworkSettings = NetworkSettings()
    data: Annotated[
        SyntheticData | PhotoData | Deep3DTensorFlowData | Deep3DPyTorchData,
        Field(discriminator="kind"),
    ] = SyntheticData()
    renderings: SyntheticData | None = None
    loss_weights: LossWeights
    photometric: PhotometricSettings = PhotometricSettings()
    perceptual: PerceptualSettings = PerceptualSettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    checkpoints: CheckpointSettings = CheckpointSettings()
    logging: LoggingSettings = LoggingSettings()

    @pydantic.field_validator("data", mode="before")
    @classmethod
    def _synthetic_by_default(cls, data):
        return {"kind": "synthetic", **data} if isinstance(data, dict) else data

    @pydantic.model_validator(mode="after")
    def _sections_agree(self):
        if self.data.kind != "synthetic":
            ground_truth = self.loss_weights.ground_truth_terms()
            if ground_truth and self.renderings is None:
                raise ValueError(
                    f"`loss_weights` of {ground_truth} compare with the truth of synthetic faces, "
                    "which photographs do not have: set them to 0, or add `renderings`"
                )
        elif self.renderings is not None:
            raise ValueError("`renderings` are added to photographs; `data` are renderings already")
        if self.loss_weights.shape_consistency and not getattr(self.data, "per_person", None):
            raise ValueError(
                "`loss_weights.shape_consistency` compares photographs of one person: it needs "
                "`data.per_person`"
            )
        if self.data.kind in ("photos", "deep3d_tensorflow"):
            if self.schedule.validation_batches and self.data.validation_folder is None:
                raise ValueError("`schedule.validation_batches` needs `data.validation_folder`")
            if self.data.validation_folder is not None:
                _check_apart(self.data.folder, self.data.validation_folder)
        check_warmup(self.optimizer, self.schedule)
        return self


def _resolved(folder: str) -> pathlib.Path:
    return pathlib.Path(os.path.realpath(folder))


def _check_apart(folder: str, validation_folder: str) -> None:
    """Raises `ValueError` if photographs would be both trained on and measured on."""
    first, second = _resolved(folder), _resolved(validation_folder)
    if first == second or first in second.parents or second in first.parents:
        raise ValueError(
            "`data.validation_folder` must be another folder than `data.folder`, and neither in "
            f"the other. Received: {validation_folder!r} and {folder!r}"
        )


def check_warmup(optimizer: OptimizerSettings, schedule: StepSettings) -> None:
    """Raises `ValueError` unless the learning rate has risen before the last step."""
    if optimizer.warmup_steps >= schedule.steps:
        raise ValueError(
            f"`optimizer.warmup_steps` ({optimizer.warmup_steps}) must be less than "
            f"`schedule.steps` ({schedule.steps})"
        )


def load_config(path: str | os.PathLike, overrides: Iterable[str] = ()) -> TrainingConfig:
    """Reads and checks a YAML file.

    Args:
        path: The file; its top-level keys are the sections of `TrainingConfig`.
        overrides: `section.key=value` texts that win over the file; values are YAML.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no YAML mapping, or a key or value is refused; the message names
            every problem.
    """
    return yaml_settings.load_settings(path, overrides, TrainingConfig)


def save_config(config: TrainingConfig, path: str | os.PathLike) -> None:
    """Writes every setting, defaults included, as YAML that `load_config` reads back."""
    yaml_settings.write_yaml(path, config.model_dump(mode="json"))


def differing_settings(first: TrainingConfig, second: TrainingConfig) -> dict[str, tuple]:
    """Settings that differ in a way that changes the trained weights, `{key: (first, second)}`.

    What is shown, measured at the end and how often is saved may differ between a run and its
    continuation.
    """
    free = {"logging", "checkpoints", "verification"}
    flat = [
        yaml_settings.flatten(config.model_dump(mode="json", exclude=free))
        for config in (first, second)
    ]
    keys = sorted(flat[0].keys() | flat[1].keys())
    pairs = {key: (flat[0].get(key), flat[1].get(key)) for key in keys}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
