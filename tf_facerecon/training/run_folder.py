"""The folder of one training run: whose it is, and how the run in it ended.

`resolved_config.yaml` (every setting), `*.sha256` (what the run is bound to), `checkpoints/` (to go
on after a kill), `history.csv`, `logs/` (TensorBoard), and at the end the network and
`metrics.json`. Started again with the same settings, face model and networks, a run continues
where it stopped; with others it is refused. Of a finished run only the result is read.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping

import keras
import tensorflow as tf

from tf_facerecon.io import atomic_files, json_files
from tf_facerecon.models import presets
from tf_facerecon.training import config as run_config
from tf_facerecon.training import fit_loop, yaml_settings
from tf_facerecon.training.checkpoints import CheckpointFolder
from tf_facerecon.training.config import TrainingConfig
from tf_facerecon.training.fit_loop import FitReport


@dataclasses.dataclass(frozen=True)
class TrainingResult:
    """How a finished run ended.

    Attributes:
        network_path: The trained network.
        steps: Optimizer steps in all.
        metrics: Losses of the last epoch, by name.
        first_step: Steps that earlier processes of this run had done.
        seconds: Time of this process' training.
    """

    network_path: pathlib.Path
    steps: int
    metrics: dict[str, float]
    first_step: int
    seconds: float

    @property
    def steps_per_second(self) -> float:
        """Speed of this process; 0 if it had nothing left to do."""
        return (self.steps - self.first_step) / self.seconds if self.seconds else 0.0


class RunFolder:
    """A run's folder.

    Args:
        path: Where it is.
        network_name: File name of the trained network, `.keras`.
        keep: How many checkpoints to keep.
    """

    def __init__(self, path: str | os.PathLike, network_name: str, keep: int = 2):
        self.path = pathlib.Path(path)
        self.network_path = self.path / network_name
        self._config_path = self.path / "resolved_config.yaml"
        self.metrics_path = self.path / "metrics.json"
        self.history_path = self.path / "history.csv"
        self.logs_path = self.path / "logs"
        self.checkpoints = CheckpointFolder(self.path / "checkpoints", keep)

    @property
    def has_begun(self) -> bool:
        """Whether there is a checkpoint to resume from, or a result."""
        return bool(self.checkpoints.paths()) or self.network_path.exists()

    @contextlib.contextmanager
    def starting(self) -> Iterator[None]:
        """Removes what `claim` and `bind` wrote if the run fails before anything else is there."""
        existed = self.path.exists()
        try:
            yield
        except BaseException:
            written = {self._config_path, *self.path.glob("*.sha256")}
            if self.path.is_dir() and set(self.path.iterdir()) <= written:
                for path in written:
                    path.unlink(missing_ok=True)
                if not existed:
                    atomic_files.remove_empty(self.path)
            raise

    def claim(self, config: TrainingConfig, resume: bool = True) -> None:
        """Writes the resolved configuration, or checks that the one there is the same.

        A run that failed before its first checkpoint left nothing to resume, and may be replaced.

        Args:
            config: All settings of the run.
            resume: Whether to continue an existing run.

        Raises:
            ValueError: If the folder holds a run with other settings; the message names them.
            FileExistsError: If it holds a run and `resume` is false.
        """
        path = self._config_path
        if path.exists() and self.has_begun:
            if not resume:
                raise FileExistsError(f"{self.path} already holds a run; choose another folder.")
            there = yaml_settings.load_settings(path, (), type(config))
            differing = run_config.differing_settings(there, config)
            if differing:
                changes = (f"{k}: {a!r} there, {b!r} now" for k, (a, b) in differing.items())
                raise ValueError(
                    f"{self.path} holds a run with other settings ({'; '.join(changes)}). Go on "
                    "with the old ones or choose another folder."
                )
        run_config.save_config(config, path)

    def bind(self, part: str, fingerprint: str) -> None:
        """Records the fingerprint of an input of a new run; a resumed run must have the same.

        A file or preset may hold other weights than when the run began, under the same name.

        Args:
            part: Of the run, as a file name: "face_model".
            fingerprint: Of its content.

        Raises:
            ValueError: If the folder holds a run whose `part` had another content.
        """
        path = self.path / f"{part}.sha256"
        if not self.has_begun:
            atomic_files.write_text(path, f"{fingerprint}\n")
        elif not path.is_file() or path.read_text(encoding="utf-8").strip() != fingerprint:
            what = part.replace("_", " ")
            raise ValueError(
                f"{self.path} holds a run that was begun with another {what} than there is now, "
                "if under the same name; choose another folder."
            )

    def finished_result(self, steps: int) -> TrainingResult | None:
        """How the run of this folder ended; `None` if it has not done its `steps`."""
        if not (self.network_path.is_file() and self.metrics_path.is_file()):
            return None
        metrics = json.loads(self.metrics_path.read_text(encoding="utf-8"))
        if metrics.pop("steps") != steps:
            return None
        return TrainingResult(self.network_path, steps, metrics, first_step=steps, seconds=0.0)

    def save(self, network: keras.Model, path: pathlib.Path | None = None) -> None:
        """Writes a network, whole or not at all; by default the trained one."""
        with atomic_files.atomic_path(path or self.network_path) as temporary:
            network.save(temporary)

    def finish(self, network: keras.Model, report: FitReport) -> TrainingResult:
        """Writes the trained network and the final numbers."""
        self.save(network)
        last = {name: float(value) for name, value in report.rows[-1].items()}
        steps = int(last.pop("step"))
        self._write_metrics({"steps": steps, **last})
        return TrainingResult(self.network_path, steps, last, report.first_step, report.seconds)

    def _write_metrics(self, metrics: Mapping[str, float]) -> None:
        json_files.write_json(self.metrics_path, metrics)


def fit_in_folder(
    config,
    folder: RunFolder,
    model: keras.Model,
    build_dataset: Callable[[int], tf.data.Dataset],
    state: Callable[[keras.Model], dict[str, list[keras.Variable]]],
    **further,
) -> FitReport:
    """`fit_loop.fit` with what the folder and the settings `schedule` and `checkpoints` say.

    Args:
        config: All settings.
        folder: Of this run.
        model: The compiled model.
        build_dataset: Of the number of the first batch.
        state: What a checkpoint holds of a model.
        **further: As for `fit_loop.fit`.
    """
    return fit_loop.fit(
        model,
        build_dataset,
        state=lambda: state(model),
        checkpoints=folder.checkpoints,
        history_path=folder.history_path,
        steps=config.schedule.steps,
        steps_per_epoch=config.schedule.steps_per_epoch,
        every_steps=config.checkpoints.every_steps,
        every_seconds=config.checkpoints.every_seconds,
        **further,
    )


def train_in_folder(
    config: TrainingConfig,
    folder: RunFolder,
    resume: bool,
    *,
    load_initial: Callable[[str], keras.Model],
    build_model: Callable[[], keras.Model],
    build_dataset: Callable[..., tf.data.Dataset],
    build_validation_dataset: Callable[..., tf.data.Dataset],
    state: Callable[[keras.Model], dict[str, list[keras.Variable]]],
    callbacks: Callable[[keras.Model], list[keras.callbacks.Callback]],
    finish: Callable[[keras.Model, FitReport], TrainingResult],
) -> TrainingResult:
    """Trains, or resumes training, as the configuration says; a finished run is only read.

    Sets the process' random seed and, if the configuration says so, its determinism switch.

    Args:
        config: All settings.
        folder: Of this run.
        resume: Whether to go on if the folder holds an unfinished or finished run.
        load_initial: Loads the network of `network.initial_weights`.
        build_model: The compiled `HybridModel` before any step.
        build_dataset: Of the configuration, the decoder and the number of the first batch.
        build_validation_dataset: Of the configuration and the decoder.
        state: What a checkpoint holds of a model.
        callbacks: Further callbacks for a model.
        finish: Saves what was trained.

    Raises:
        ValueError: If the folder holds a run with other settings (the message names them), or one
            to resume of another face model, perceptual network or initial weights.
        FileExistsError: If it holds a run and `resume` is false.
        FloatingPointError: If the loss or a weight stops being finite.
        TrainingInterrupted: If SIGTERM or SIGINT came; the state is saved.
    """
    folder.claim(config, resume)
    finished = folder.finished_result(config.schedule.steps)
    if finished is not None:
        return finished
    fit_loop.seed_process(**config.run.model_dump())
    model = build_model()
    folder.bind("face_model", model.decoder.face_model.fingerprint)
    initial = config.network.initial_weights
    if initial is not None:
        folder.bind("initial_weights", presets.weights_fingerprint(load_initial(initial)))
    if model.identity_fingerprint:
        folder.bind("identity_network", model.identity_fingerprint)
    validation = None
    if config.schedule.validation_batches:
        validation = build_validation_dataset(config, model.decoder).cache()
    report = fit_in_folder(
        config,
        folder,
        model,
        lambda first_step: build_dataset(config, model.decoder, first_step),
        state,
        callbacks=lambda: callbacks(model),
        validation_data=validation,
        progress=config.logging.progress,
    )
    return finish(model, report)
