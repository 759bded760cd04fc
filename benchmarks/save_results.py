"""Time that saving the results for a photograph takes.

    python benchmarks/save_results.py --json save_results.json
    python benchmarks/save_results.py --photo me.jpg --rounds 9

The photograph is scikit-image's astronaut, 512 x 512 pixels, unless `--photo` names another one;
its largest face is saved. "First" is the first time in a process, which computes what depends on
the face model only and is kept: where each texel lies. The others are medians over `--rounds`
further times: elapsed seconds, and seconds of all processor cores together, which other programs on
the machine affect less.
"""

import argparse
import pathlib
import statistics
import tempfile
import time

import numpy as np

import tf_facerecon
from tf_facerecon.cli import network_option
from tf_facerecon.io import image_files, json_files

ROWS = {
    "all files": None,
    "mesh, json, overlay": ("mesh", "json", "overlay"),
    "mesh, json": ("mesh", "json"),
    "json": ("json",),
}


def measure(face, rounds: int) -> dict[str, dict[str, float]]:
    """Seconds of saving `face`, of each of `ROWS`."""
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for row, outputs in ROWS.items():
            timings = []
            for _ in range(1 + rounds):
                elapsed, processor = time.perf_counter(), time.process_time()
                face.save(folder, "face", outputs=outputs, overwrite=True)
                timings.append((time.perf_counter() - elapsed, time.process_time() - processor))
            later = zip(*timings[1:], strict=True)
            seconds, processor_seconds = map(statistics.median, later)
            results[row] = {
                "first_seconds": timings[0][0],
                "seconds": seconds,
                "processor_seconds": processor_seconds,
            }
    return results


def read_photo(path: pathlib.Path | None) -> np.ndarray:
    """The photograph to reconstruct, `[height, width, 3]` uint8."""
    if path:
        return image_files.read_image(path)
    import skimage.data

    return skimage.data.astronaut()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    network_option.add_network(parser)
    parser.add_argument("--photo", type=pathlib.Path, help="instead of the astronaut")
    parser.add_argument("--rounds", type=int, default=5, help="number of timings (%(default)s)")
    parser.add_argument("--json", type=pathlib.Path, help="also write the results to this file")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error(f"--rounds must be at least 1, not {arguments.rounds}")
    try:
        photo = read_photo(arguments.photo)
        reconstructor = tf_facerecon.FaceReconstructor.from_preset(arguments.network)
        face, *_ = reconstructor.reconstruct(photo)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    results = measure(face, arguments.rounds)
    print("| saved | first, s | seconds | of all cores |")
    print("|---|---|---|---|")
    for row, value in results.items():
        numbers = " | ".join(f"{seconds:.2f}" for seconds in value.values())
        print(f"| {row} | {numbers} |")
    if arguments.json:
        json_files.write_json(arguments.json, {"rounds": arguments.rounds, **results})


if __name__ == "__main__":
    main()
