import pathlib
import signal

import pytest

from tf_facerecon.cli import training_options
from tf_facerecon.training import interruption
from tf_facerecon.training.run_folder import TrainingResult


def test_run_parser_preset():
    options = training_options.run_parser("train", "Trains.").parse_args(
        ["--config", "configs/a.yaml", "b.c=1"]
    )
    assert training_options.run_folder(options) == pathlib.Path("runs/a")
    assert options.overrides == ["b.c=1"]
    options.run_dir = pathlib.Path("mine")
    assert training_options.run_folder(options) == pathlib.Path("mine")


def test_report_preset(capsys):
    assert training_options.report(lambda: "All went well.") == 0
    assert capsys.readouterr() == ("All went well.\n", "")


@pytest.mark.parametrize(
    ("error", "text", "exit_code"),
    [
        (ValueError("a bad key"), "error: a bad key\n", interruption.EXIT_BAD_INPUT),
        (
            interruption.TrainingInterrupted(signal.SIGTERM, 7),
            "\nStopped by SIGTERM after step 7. Go on.\n",
            interruption.EXIT_SIGNAL + signal.SIGTERM,
        ),
    ],
)
def test_report_failure(capsys, error, text, exit_code):
    def work():
        raise error

    assert training_options.report(work, "Go on.") == exit_code
    assert capsys.readouterr() == ("", text)


def test_report_lets_bugs_pass():
    with pytest.raises(ZeroDivisionError):
        training_options.report(lambda: str(1 / 0))


def test_describe_result_preset():
    result = TrainingResult(pathlib.Path("a/net.keras"), 30, {"loss": 1.5}, 10, 5.0)
    assert training_options.describe_result(result, {"history": "a/history.csv"}) == (
        "\nTrained 30 steps (20 of them now, 5 s, 4.00 steps/s). Means of the last epoch:\n"
        "  loss                   1.5\n"
        "  network   a/net.keras\n"
        "  history   a/history.csv"
    )
