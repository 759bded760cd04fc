"""Settings of a run that trains an identity network; sections as in `training.config`."""

import os
import pathlib
from collections.abc import Iterable

import pydantic
from pydantic import Field, PositiveFloat, PositiveInt

from tf_facerecon.training import yaml_settings
from tf_facerecon.training.config import (
    CheckpointSettings,
    FaceModelSettings,
    OptimizerSettings,
    RunSettings,
    ScheduleSettings,
)


class _Section(pydantic.BaseModel):
    """Settings that refuse unknown keys and, once read, changes."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class IdentityNetworkSettings(_Section):
    """The network; see `networks.face_recognition.IdentityNetwork`."""

    embedding_size: PositiveInt = 128
    image_size: PositiveInt = 112


class PeopleSettings(_Section):
    """People per batch, pictures of each, and the temperature of the contrastive loss."""

    num_people: int = Field(32, ge=2)
    num_views: int = Field(2, ge=2)
    temperature: PositiveFloat = 0.1


class VerificationSettings(_Section):
    """People that the network never saw, on whom it is measured at the end."""

    num_people: int = Field(100, ge=4)
    num_views: int = Field(4, ge=2)


class IdentityConfig(_Section):
    """All settings of one run; `load_config` reads it."""

    run: RunSettings = RunSettings()
    face_model: FaceModelSettings = FaceModelSettings()
    network: IdentityNetworkSettings = IdentityNetworkSettings()
    people: PeopleSettings = PeopleSettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    verification: VerificationSettings = VerificationSettings()
    checkpoints: CheckpointSettings = CheckpointSettings()


def load_config(path: str | os.PathLike, overrides: Iterable[str] = ()) -> IdentityConfig:
    """Reads and checks a YAML file.

    Args:
        path: The file; its top-level keys are the sections of `IdentityConfig`.
        overrides: `section.key=value` texts that win over the file; values are YAML.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no YAML mapping, or a key or value is refused.
    """
    path = pathlib.Path(path)
    settings = yaml_settings.apply_overrides(yaml_settings.read_yaml(path), overrides)
    try:
        return IdentityConfig.model_validate(settings)
    except pydantic.ValidationError as error:
        raise ValueError(yaml_settings.explain(error, IdentityConfig, str(path))) from error
