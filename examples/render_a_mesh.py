"""Renders any OBJ file with vertex colours, with the renderer alone: no face model, no weights.

    python examples/render_a_mesh.py head.obj head.png

The camera looks at the mesh from +z, from three times its size away.
"""

import argparse

import numpy as np
from PIL import Image

import tf_facerecon

FOCAL, NEAR, FAR = 2.5, 1.0, 5.0  # In half images; in sizes of the mesh.


def clip_coordinates(vertices: np.ndarray) -> np.ndarray:
    """OpenGL clip coordinates `[V, 4]` of `vertices` `[V, 3]`, moved to the middle and scaled."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    x, y, z = ((vertices - (low + high) / 2) / (high - low).max()).T
    depth = 3.0 - z
    clip_z = (FAR + NEAR) / (FAR - NEAR) * depth - 2 * FAR * NEAR / (FAR - NEAR)
    return np.stack([FOCAL * x, FOCAL * y, clip_z, depth], axis=-1).astype(np.float32)


def main(arguments=None):
    """Reads, renders, writes a PNG with transparent background."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mesh", help="OBJ file")
    parser.add_argument("image", help="PNG file to write")
    parser.add_argument("--size", type=int, default=512, help="pixels per side")
    options = parser.parse_args(arguments)

    try:
        mesh = tf_facerecon.read_obj(options.mesh)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if options.size < 1 or not np.ptp(mesh.vertices, axis=0).any():
        parser.error("expected a --size of at least 1, and a mesh with an extent")
    colours = mesh.colours if mesh.colours is not None else np.full_like(mesh.vertices, 0.7)
    images = tf_facerecon.rasterize(
        clip_coordinates(mesh.vertices)[np.newaxis],
        mesh.triangles,
        colours[np.newaxis],
        (options.size, options.size),
    )
    picture = np.concatenate([images.attributes[0], images.mask[0]], axis=-1)
    try:
        Image.fromarray(np.uint8(np.round(255 * np.clip(picture, 0, 1)))).save(options.image)
    except (OSError, ValueError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
