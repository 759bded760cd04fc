"""Small random face models for tests that need no face-like face."""

import numpy as np

from tf_facerecon.morphable_models.morphable_model import MorphableModel


def made_up_model(seed: int = 0, side: int = 12, **changes) -> MorphableModel:
    """A bumpy surface of `side * side` vertices with random bases; `changes` replace fields."""
    rng = np.random.default_rng(seed)
    column, row = np.meshgrid(np.linspace(-0.8, 0.8, side), np.linspace(-0.9, 0.9, side))
    depth = 0.5 - 0.4 * (column**2 + row**2)
    num_vertices = side * side
    corner = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).ravel()
    upper = np.stack([corner, corner + 1, corner + side + 1], axis=-1)
    lower = np.stack([corner, corner + side + 1, corner + side], axis=-1)
    fields = {
        "name": "made-up",
        "mean_shape": np.stack([column, row, depth], axis=-1).reshape(-1, 3),
        "identity_basis": 0.01 * rng.standard_normal((num_vertices, 3, 80)),
        "expression_basis": 0.01 * rng.standard_normal((num_vertices, 3, 64)),
        "mean_albedo": rng.uniform(0.3, 0.7, (num_vertices, 3)),
        "albedo_basis": 0.01 * rng.standard_normal((num_vertices, 3, 80)),
        "triangles": np.concatenate([upper, lower]),
        "landmarks": rng.choice(num_vertices, 68, replace=num_vertices < 68),
        "uv": np.stack([column / 1.6 + 0.5, row / 1.8 + 0.5], axis=-1).reshape(-1, 2),
        "skin_region": np.ones(num_vertices),
        "face_region": np.ones(num_vertices),
        "source": "tests",
        "licence": "none",
    }
    return MorphableModel(**{**fields, **changes})


def made_up_details(side: int = 12) -> dict:
    """Every field that `made_up_model` leaves out: seams, ranges, names, regions, mirror image."""
    model = made_up_model(side=side)
    vertex = np.arange(side * side).reshape(side, side)
    seam = model.num_vertices
    uv_triangles = model.triangles.copy()
    uv_triangles[0, 0] = seam  # The first vertex has two places in the texture.
    return {
        "uv": np.concatenate([model.uv, [[0.5, 0.25]]]),
        "uv_triangles": uv_triangles,
        "now_landmarks": np.arange(7),
        "regions": {"eyes": np.linspace(0, 1, seam), "small_face": np.ones(seam)},
        "expression_names": tuple(f"movement {number}" for number in range(64)),
        "expression_range": np.tile([[0.0, 1.0], [-0.5, 2.0]], (32, 1)),
        "expression_requires": np.array([-1, 2, *[-1] * 62]),
        "identity_scales": np.linspace(1, 0, 80),
        "expression_scales": np.ones(64),
        "texture_scales": np.ones(80),
        "mirror_index": vertex[:, ::-1].ravel(),
    }
