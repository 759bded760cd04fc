"""Shared code of the speed benchmarks: interleaved timing, memory bandwidth and peak FLOP/s."""

import argparse
import pathlib
import statistics
import time
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from tf_facerecon.io import json_files

WARM_UP = 3


def main(measure: Callable[[int], dict], description: str, rounds: int) -> None:
    """Command line of a speed benchmark: measures `--rounds` times and writes the results."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=pathlib.Path, help="also write the results to this file")
    parser.add_argument(
        "--rounds", type=int, default=rounds, help="number of timings (%(default)s)"
    )
    flags = parser.parse_args()
    report = measure(flags.rounds)
    if flags.json:
        json_files.write_json(flags.json, report)


def interleaved_medians(
    functions: Mapping[str, Callable], arguments: tuple, rounds: int
) -> dict[str, float]:
    """Median milliseconds of each function, all timed once per round.

    Ratios of them stay meaningful when other processes slow the machine down.
    """
    times = {name: [] for name in functions}
    for round_index in range(-WARM_UP, rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            tf.nest.map_structure(lambda tensor: tensor.numpy(), function(*arguments))
            if round_index >= 0:
                times[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def bytes_per_second(megabytes: int = 256, rounds: int = 5) -> float:
    """Measured memory bandwidth of one core, beyond the caches."""
    block = np.ones(megabytes * 2**20 // 4, np.float32)
    return block.nbytes / min(_seconds(block.sum) for _ in range(rounds))


def operations_per_second(side: int = 1024, rounds: int = 5) -> float:
    """Measured FLOP/s of all cores in float32 matrix multiplication."""
    matrix = tf.random.uniform([side, side])
    return (
        2.0
        * side**3
        / min(_seconds(lambda: tf.matmul(matrix, matrix).numpy()) for _ in range(rounds))
    )


def _seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
