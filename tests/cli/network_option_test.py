import argparse

import pytest

from tf_facerecon.cli import network_option


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", nargs="*")
    network_option.add_network(parser)
    return parser


def test_add_network_preset(parser):
    assert parser.parse_intermixed_args([]).network == "r_net_small"
    assert parser.parse_intermixed_args(["a.jpg", "--network", "my.keras"]).network == "my.keras"


@pytest.mark.parametrize("name", ("--preset", "--weights"))
def test_add_network_has_one_name_exception_raised(parser, capsys, name):
    # `--preset` is the name of the output of the training commands.
    with pytest.raises(SystemExit):
        parser.parse_intermixed_args([name, "my.keras"])
    assert "unrecognized arguments" in capsys.readouterr().err
