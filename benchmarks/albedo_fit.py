"""How closely albedo learnt from people represents people it was not learnt from.

    python benchmarks/albedo_fit.py --ict ARCHIVE --photos FOLDER --points FILE.npz --json FILE

Builds `ict_london`'s shape, removes the light from every photograph, and leaves every tenth person
out of the learning, ten times. Figures: root mean square over RGB in [0, 1] of what the best fit of
80 modes leaves of the unlit photograph, at vertices that at least nine of ten photographs show, for
the learnt albedo and for the synthetic one on the same mesh; over all people, and in five groups by
the lightness of the skin.
"""

import argparse
import pathlib

import numpy as np

from tf_facerecon.io import json_files
from tf_facerecon.morphable_models.ict_london import (
    albedo_modes,
    ict_london_model,
    photo_albedo,
    photo_set,
    shape_model,
    template_mesh,
)
from tf_facerecon.morphable_models.importers.ict import ict_parts, ict_shapes

FOLDS, GROUPS, SEED = 10, 5, 0
COVERAGE = 0.9
NUM_MODES = ict_london_model.NUM_MODES


def measure(shape: shape_model.ShapeModel, synthetic, people: photo_albedo.PeopleAlbedo) -> dict:
    """Figures of the learnt and of the synthetic albedo."""
    count = len(people.unlit)
    covered = people.seen.mean(axis=0) > COVERAGE
    seen = people.seen & covered
    order = np.random.default_rng(SEED).permutation(count)
    errors, norms = np.zeros((2, count)), np.zeros((2, count))
    for fold in range(FOLDS):
        held_out = order[fold::FOLDS]
        rest = np.setdiff1d(order, held_out)
        learnt = ict_london_model.complete_model(
            shape, synthetic, people.completed[rest], NUM_MODES
        )
        for row, (mean, basis) in enumerate(
            (learnt, (synthetic.mean_albedo, synthetic.albedo_basis))
        ):
            for person in held_out:
                fit = albedo_modes.fit_modes(people.unlit[person], mean, basis, seen[person])
                norms[row, person] = np.sqrt(np.mean(fit[0] ** 2))
                errors[row, person] = fit[1]
    lightness = np.array([own[flags].mean() for own, flags in zip(people.unlit, seen, strict=True)])
    edges = np.quantile(lightness, np.arange(1, GROUPS) / GROUPS)
    groups = np.digitize(lightness, edges)
    rows = {
        name: {
            "error": float(errors[row].mean()),
            "coefficient_rms": float(norms[row].mean()),
            "by_lightness": [float(errors[row, groups == k].mean()) for k in range(GROUPS)],
        }
        for row, name in enumerate(("learnt", "synthetic"))
    }
    return {"people": count, "vertices": int(covered.sum()), **rows}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("ict", "photos", "points"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--json", type=pathlib.Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    try:
        photos = photo_set.read_photo_set(arguments.photos, arguments.points)
        shapes = ict_shapes.read_shapes(arguments.ict, ict_parts.LIGHT_MODEL)
    except (FileNotFoundError, ValueError) as error:
        parser.error(str(error))
    shape = shape_model.build_shape(
        shapes, ict_parts.LIGHT_MODEL, NUM_MODES, template_mesh.DEFAULT_VERTICES
    )
    synthetic = ict_london_model.synthetic_albedo(shape)
    people = photo_albedo.people_albedo(shape, photos, synthetic.skin_region)
    figures = measure(shape, synthetic, people)
    print(f"{figures['people']} people, {figures['vertices']} vertices")
    for name in ("learnt", "synthetic"):
        row = figures[name]
        groups = ", ".join(f"{value:.4f}" for value in row["by_lightness"])
        print(
            f"{name:10s} error {row['error']:.4f}, coefficients {row['coefficient_rms']:.2f}; "
            f"from dark to light {groups}"
        )
    share = figures["learnt"]["error"] / figures["synthetic"]["error"]
    spread = max(figures["learnt"]["by_lightness"]) / min(figures["learnt"]["by_lightness"])
    print(f"learnt / synthetic {share:.3f} (at most 0.5 wanted)")
    print(f"worst / best group {spread:.2f} (at most 1.5 wanted)")
    if arguments.json:
        json_files.write_json(arguments.json, figures)


if __name__ == "__main__":
    main()
