"""How closely face models represent a head scan, and how unlikely a person that takes.

    python benchmarks/scan_fit.py SCAN.npz procedural ict_london --json scan_fit.json

SCAN.npz holds `vertices` [N, 3] in mm (the face looking along +z), `triangles` [T, 3] and
`landmarks68` [68, 3]; optionally `keep` [N], the vertices that count. Face models are names or
files. For each: median and mean distance in mm of the scan's vertices from the mean face, and from
the fit of similarity and 80 identity modes (see `evaluation.scan_fitting`) for several weights of
the prior, with the root mean square of the coefficients: 1 is a typical person. The row to compare
is the one with the least median among those with coefficients of at most 1.3.
"""

import argparse
import pathlib

import numpy as np

from tf_facerecon.evaluation import scan_fitting
from tf_facerecon.io import array_archive, json_files
from tf_facerecon.metrics import scan_to_mesh
from tf_facerecon.morphable_models.morphable_model import MorphableModel

PLAUSIBLE_RMS = 1.3


def read_scan(path: pathlib.Path) -> tuple[np.ndarray, np.ndarray]:
    """Points `[N, 3]` of the face and the seven NoW landmarks `[7, 3]` of a scan file, mm.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it does not hold a scan.
    """
    try:
        scan = array_archive.read_archive(path)
    except ValueError as error:
        raise ValueError(f"{str(path)!r} is not a readable scan (.npz): {error}") from error
    for name, width in (("vertices", 3), ("triangles", 3), ("landmarks68", 3)):
        if name not in scan or scan[name].ndim != 2 or scan[name].shape[1] != width:
            raise ValueError(f"{str(path)!r} must hold `{name}` of shape [N, {width}].")
    vertices, landmarks = (scan[key].astype(np.float64) for key in ("vertices", "landmarks68"))
    if landmarks.shape != (68, 3) or not np.isfinite(landmarks).all():
        raise ValueError(f"`landmarks68` of {str(path)!r} must be 68 finite points.")
    kept = scan_fitting.frontal_points(vertices, scan["triangles"], landmarks)
    if "keep" in scan:
        kept &= scan["keep"].astype(bool)
    return vertices[kept], landmarks[list(scan_to_mesh.SEVEN_LANDMARKS)]


def measure(face_model: MorphableModel, points: np.ndarray, seven: np.ndarray) -> list[dict]:
    """One row for the mean face and one for each weight of the prior."""
    rows = []
    for ridge in (None, *scan_fitting.RIDGES):
        fit = scan_fitting.fit_scan(face_model, points, seven, ridge)
        rows.append(
            {
                "face_model": face_model.name,
                "ridge": ridge,
                "median_mm": fit.median_mm,
                "mean_mm": fit.mean_mm,
                "coefficient_rms": fit.coefficient_rms,
            }
        )
    return rows


def best_plausible(rows: list[dict]) -> dict | None:
    """The fit of least median among those of plausible people, or `None`."""
    plausible = [
        row for row in rows if row["ridge"] is not None and row["coefficient_rms"] <= PLAUSIBLE_RMS
    ]
    return min(plausible, key=lambda row: row["median_mm"], default=None)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scan", type=pathlib.Path, help=".npz with the scan")
    parser.add_argument("face_models", nargs="+", help="face model names or .npz files")
    parser.add_argument("--json", type=pathlib.Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    try:
        points, seven = read_scan(arguments.scan)
        models = [MorphableModel.from_preset(name) for name in arguments.face_models]
    except (FileNotFoundError, ValueError) as error:
        parser.error(str(error))
    print(f"{arguments.scan.name}: {len(points)} vertices of the face")
    report = []
    for model in models:
        rows = measure(model, points, seven)
        best = best_plausible(rows)
        report += [{**row, "best_plausible": row is best} for row in rows]
        for row in rows:
            name = "mean face" if row["ridge"] is None else f"ridge {row['ridge']:g}"
            print(
                f"{model.name:14s} {name:10s} median {row['median_mm']:.2f} mean "
                f"{row['mean_mm']:.2f} mm, coefficients {row['coefficient_rms']:.2f}"
                f"{'  <- best plausible' if row is best else ''}"
            )
    if arguments.json:
        json_files.write_json(arguments.json, report)


if __name__ == "__main__":
    main()
