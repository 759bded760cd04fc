"""Settings of a run that trains an identity network; sections as in `training.config`."""

import os
from collections.abc import Iterable

import pydantic
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from tf_facerecon.training import yaml_settings
from tf_facerecon.training.config import (
    CheckpointSettings,
    FaceModelSettings,
    OptimizerSettings,
    RunSettings,
    StepSettings,
    check_warmup,
)


class IdentityNetworkSettings(yaml_settings.Section):
    """The network; see `models.identity_network.IdentityNetwork`.

    Attributes:
        embedding_size: Length of the vectors.
        image_size: Side of the images that it sees, pixels; a multiple of 16.
        initial_r_net: Small R-Net, preset or `.keras` file, whose backbone it starts with; none
            starts at random and needs many times the steps.
    """

    embedding_size: PositiveInt = 128
    image_size: int = Field(112, ge=16, multiple_of=16)
    initial_r_net: str | None = None


class PeopleSettings(yaml_settings.Section):
    """People per batch and images of each; temperature and weight of the losses."""

    num_people: int = Field(32, ge=2)
    num_views: int = Field(2, ge=2)
    temperature: PositiveFloat = 0.1
    trait_weight: NonNegativeFloat = 5.0


class VerificationSettings(yaml_settings.Section):
    """People that the network never saw, on whom it is measured at the end."""

    num_people: int = Field(100, ge=4)
    num_views: int = Field(4, ge=2)


class IdentityConfig(yaml_settings.Section):
    """All settings of one run; `load_config` reads it."""

    run: RunSettings = RunSettings()
    face_model: FaceModelSettings = FaceModelSettings()
    network: IdentityNetworkSettings = IdentityNetworkSettings()
    people: PeopleSettings = PeopleSettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    schedule: StepSettings = StepSettings()
    verification: VerificationSettings = VerificationSettings()
    checkpoints: CheckpointSettings = CheckpointSettings()

    @pydantic.model_validator(mode="after")
    def _sections_agree(self):
        check_warmup(self.optimizer, self.schedule)
        return self


def load_config(path: str | os.PathLike, overrides: Iterable[str] = ()) -> IdentityConfig:
    """Reads and checks a YAML file.

    Args:
        path: The file; its top-level keys are the sections of `IdentityConfig`.
        overrides: `section.key=value` texts that win over the file; values are YAML.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no YAML mapping, or a key or value is refused.
    """
    return yaml_settings.load_settings(path, overrides, IdentityConfig)
