import argparse

import pytest

from tf_facerecon.cli import network_option


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", nargs="*")
    network_option.add_network(parser)
    return parser


@pytest.mark.parametrize("name", ("--network", "--preset", "--weights"))
def test_add_network_takes_each_name(parser, name):
    assert parser.parse_intermixed_args(["a.jpg", name, "my.keras"]).network == "my.keras"


def test_add_network_preset(parser):
    assert parser.parse_intermixed_args([]).network == "r_net_small"


def test_add_network_two_networks_exception_raised(parser, capsys):
    with pytest.raises(SystemExit):
        parser.parse_intermixed_args(["--preset", "r_net_small", "--weights", "my.keras"])
    assert "not allowed with argument" in capsys.readouterr().err
