"""Settings of a run that trains a C-Net on image sets; other sections as in `training.config`."""

import os
from collections.abc import Iterable
from typing import Annotated, Literal

import pydantic
from pydantic import Field, NonNegativeInt, PositiveInt

from tf_facerecon.training import yaml_settings
from tf_facerecon.training.config import PhotoData, SyntheticData, TrainingConfig


class CNetSettings(yaml_settings.Section):
    """The C-Net and the R-Net whose features it reads.

    Attributes:
        preset: Size, "small" or "paper"; none for the one that goes with the R-Net.
        r_net: Preset or `.keras` file of the R-Net.
        train_r_net: Whether the R-Net is fine-tuned; otherwise it stays as it is.
        initial_weights: C-Net of the same R-Net to start from, preset or `.keras` file.
    """

    preset: Literal["small", "paper"] | None = None
    r_net: str = "r_net_small"
    train_r_net: bool = False
    initial_weights: str | None = None


class SyntheticSets(SyntheticData):
    """Rendered sets of random people; `batch_size` counts sets.

    Attributes:
        set_size: Images of a set.
        bad_frames: Fewest and most bad images of a set.
    """

    batch_size: PositiveInt = 16
    set_size: int = Field(5, ge=2)
    bad_frames: tuple[NonNegativeInt, NonNegativeInt] = (1, 3)

    @pydantic.model_validator(mode="after")
    def _set_can_be_rendered(self):
        _check_bad_frames(self.bad_frames, self.set_size)
        if self.lifelike:
            raise ValueError("`lifelike` is for single faces; image sets are never rendered so")
        return self


class PhotoSets(PhotoData):
    """Photographs in a folder for each person; `batch_size` counts sets.

    Attributes:
        set_size: Most images of a set.
        min_photos: Fewest photographs of a person.
        bad_frames: Fewest and most images of a set that are covered, blurred or made noisy; none of
            the validation sets are.
    """

    batch_size: PositiveInt = 2
    set_size: int = Field(5, ge=2)
    min_photos: int = Field(2, ge=2)
    bad_frames: tuple[NonNegativeInt, NonNegativeInt] = (0, 0)

    @pydantic.model_validator(mode="after")
    def _min_photos_fit(self):
        if self.min_photos > self.set_size:
            raise ValueError(
                "`min_photos` must not be more than `set_size`. "
                f"Received: {self.min_photos} of {self.set_size}"
            )
        _check_bad_frames(self.bad_frames, self.set_size)
        if self.per_person is not None:
            raise ValueError(
                "`per_person` is for single images; every set shows one person already"
            )
        return self


def _check_bad_frames(bad_frames: tuple[int, int], set_size: int) -> None:
    fewest, most = bad_frames
    if not fewest <= most <= set_size:
        raise ValueError(
            "`bad_frames` must be two rising numbers up to `set_size`. "
            f"Received: {list(bad_frames)} of {set_size}"
        )


class ProgressSettings(yaml_settings.Section):
    """Whether to draw a progress bar."""

    progress: bool = True


class CNetConfig(TrainingConfig):
    """All settings of one run; `load_config` reads it."""

    network: CNetSettings = CNetSettings()
    data: Annotated[SyntheticSets | PhotoSets, Field(discriminator="kind")] = SyntheticSets()
    logging: ProgressSettings = ProgressSettings()


def load_config(path: str | os.PathLike, overrides: Iterable[str] = ()) -> CNetConfig:
    """Reads and checks a YAML file.

    Args:
        path: The file; its top-level keys are the sections of `CNetConfig`.
        overrides: `section.key=value` texts that win over the file; values are YAML.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no YAML mapping, or a key or value is refused.
    """
    return yaml_settings.load_settings(path, overrides, CNetConfig)
