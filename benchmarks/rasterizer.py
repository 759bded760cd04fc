"""Measures the rasterizer against tensorflow-graphics with its own C++ kernel ("the peer").

    python benchmarks/rasterizer.py --json rasterizer.json

The kernel's binary inside tensorflow-graphics' wheel does not load in current TensorFlow, so it is
compiled from the sources in that wheel into a temporary folder (needs `g++`). Both start from
vertices and a matrix and end at an image of 7 channels; the two are timed in turn, in one process,
and ratios of medians are reported, since milliseconds depend on what else the machine does.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import tensorflow as tf
import timing

from tf_facerecon.rendering import rasterizer

IMAGE_SIZE = (224, 224)
BATCH_SIZES = (1, 5)
YAW_PITCH_DEGREES = ((0, 0), (12, 8), (-25, -5), (38, 3), (-8, -12))
FOCAL_RATIO, NEAR, FAR, DISTANCE = 1015 / 112, 5.0, 15.0, 10.0
# Of one core, at work with a branch here and there; memory is measured instead.
SCALAR_OPERATIONS_PER_SECOND = 5e9


def head_mesh(points_per_side: int = 190) -> tuple[np.ndarray, np.ndarray]:
    """Front of an ellipsoid with nose and eye sockets: vertices `[V, 3]`, triangles `[T, 3]`."""
    across, down = np.meshgrid(*[np.linspace(-0.98, 0.98, points_per_side)] * 2)
    x, y = across * np.sqrt(1 - down**2 / 2), -down * np.sqrt(1 - across**2 / 2)
    z = 0.75 * np.sqrt(np.maximum(1 - x**2 - y**2, 0.0))
    z += 0.25 * np.exp(-((x / 0.12) ** 2) - ((y + 0.05) / 0.2) ** 2)
    z -= 0.12 * np.exp(-(((np.abs(x) - 0.33) / 0.16) ** 2) - ((y - 0.25) / 0.1) ** 2)
    vertices = np.stack([0.8 * x, y, z], axis=-1).reshape(-1, 3)
    index = np.arange(points_per_side**2).reshape(points_per_side, points_per_side)
    quads = [index[:-1, :-1], index[1:, :-1], index[:-1, 1:], index[1:, 1:]]
    top_left, bottom_left, top_right, bottom_right = (corner.ravel() for corner in quads)
    upper = np.stack([top_left, bottom_left, top_right], axis=-1)
    lower = np.stack([top_right, bottom_left, bottom_right], axis=-1)
    return vertices, np.stack([upper, lower], axis=1).reshape(-1, 3).astype(np.int32)


def large_triangles() -> dict[str, np.ndarray]:
    """Scenes of independent large triangles: vertices `[1, V, 3]` before a camera that looks to -z.

    Of "zero_w" a third of the vertices lie in the camera's own plane.
    """
    rng = np.random.default_rng(20190320)

    def soup(count, size, low, high):
        centre = rng.uniform(low, high, (count, 1, 3))
        return (centre + rng.uniform(-size, size, (count, 3, 3))).reshape(1, -1, 3)

    scenes = {
        "huge": soup(300, 60.0, (-1, -1, -9), (1, 1, -6)),
        "across_near_plane": soup(500, 3.0, (-2, -2, -8), (2, 2, -2)),
        "zero_w": soup(60, 6.0, (-2, -2, -9), (2, 2, -6)),
    }
    scenes["zero_w"][:, ::3, 2] = 0.0
    return {name: vertices.astype(np.float32) for name, vertices in scenes.items()}


def projection(distance: float) -> np.ndarray:
    """Matrix `[4, 4]` to clip space of a camera that looks to -z from `distance` on the z axis."""
    depth_scale = (FAR + NEAR) / (FAR - NEAR)
    return np.array(
        [
            [FOCAL_RATIO, 0, 0, 0],
            [0, FOCAL_RATIO, 0, 0],
            [0, 0, -depth_scale, depth_scale * distance - 2 * FAR * NEAR / (FAR - NEAR)],
            [0, 0, -1, distance],
        ]
    )


def view_projections(batch_size: int) -> np.ndarray:
    """Matrices `[B, 4, 4]` from the head to clip space, one pose per image."""
    matrices = []
    for degrees in YAW_PITCH_DEGREES[:batch_size]:
        (cy, cp), (sy, sp) = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        pose = np.eye(4)
        pose[:3, :3] = yaw @ pitch
        matrices.append(projection(DISTANCE) @ pose)
    return np.stack(matrices).astype(np.float32)


def load_peer(folder: pathlib.Path):
    """Compiles tensorflow-graphics' kernel into `folder` and returns its rasterizer module."""
    import tensorflow_graphics

    package = pathlib.Path(next(iter(tensorflow_graphics.__path__)))
    for source in (package / "rendering" / "kernels").glob("rasterize_triangles*"):
        shutil.copy(source, folder)
    library = folder / "rasterizer_op.so"
    command = ["g++", "-O2", "-std=c++17", "-shared", "-fPIC", "-w", "-I", str(folder)]
    command += [str(path) for path in sorted(folder.glob("*.cc"))] + ["-o", str(library)]
    command += tf.sysconfig.get_compile_flags() + tf.sysconfig.get_link_flags()
    subprocess.run(command, check=True)
    # tensorflow-graphics looks for a generated module of this name before its own binary.
    kernels = "tensorflow_graphics.rendering.kernels"
    sys.modules[f"{kernels}.gen_rasterizer_op"] = tf.load_op_library(str(library))
    from tensorflow_graphics.rendering import triangle_rasterizer

    return triangle_rasterizer


def build_renderers(peer, triangles: np.ndarray) -> dict:
    """Functions `(vertices, matrices, attributes) -> (image, mask, ids)` of both rasterizers."""
    triangles = tf.constant(triangles)

    def render_ours(vertices, matrices, attributes):
        clip = tf.matmul(vertices, matrices[..., :3], transpose_b=True)
        clip += matrices[:, tf.newaxis, :, 3]
        images = rasterizer.rasterize(clip, triangles, attributes, IMAGE_SIZE)
        return images.attributes, images.mask, images.triangle_ids

    def render_peer(vertices, matrices, attributes):
        from tensorflow_graphics.rendering import rasterization_backend

        images = peer.rasterize(
            vertices,
            triangles,
            {"attributes": attributes},
            matrices,
            IMAGE_SIZE,
            enable_cull_face=False,
            backend=rasterization_backend.RasterizationBackends.CPU,
        )
        # Row 0 of the peer is the bottom row.
        ids, mask = images["triangle_indices"][..., 0], images["mask"]
        ids = tf.where(mask[..., 0] > 0, ids, -1)
        return tuple(tf.reverse(image, [1]) for image in (images["attributes"], mask, ids))

    return {"peer": render_peer, "ours": render_ours}


def with_gradient(render):
    """The forward and backward pass of the sum of squares of the image.

    Not `image ** 2`, whose gradient raises every value to the power of 1, one after another: that
    took 5 ms of a picture, nearly half of our time, and is the work of neither renderer.
    """

    def step(vertices, matrices, attributes):
        with tf.GradientTape() as tape:
            tape.watch((vertices, attributes))
            loss = tf.reduce_sum(tf.square(render(vertices, matrices, attributes)[0]))
        return tape.gradient(loss, (vertices, attributes))

    return step


def floor_milliseconds(num_vertices: int, num_triangles: int, channels: int) -> dict[str, float]:
    """Least time per image and core: bytes that must move and operations that must happen."""
    pixels = IMAGE_SIZE[0] * IMAGE_SIZE[1]
    covered = 0.55 * pixels
    corner_bytes = 3 * 4 * (4 + channels)
    image_bytes = pixels * 4 * (channels + 3 + 2)
    forward_bytes = 12 * num_triangles + 16 * num_vertices + covered * corner_bytes + image_bytes
    backward_bytes = covered * corner_bytes * 3 + image_bytes
    forward_operations = 40 * num_triangles + 25 * 100_000 + covered * 75
    bytes_per_second = timing.bytes_per_second()
    forward = forward_bytes / bytes_per_second
    forward += forward_operations / SCALAR_OPERATIONS_PER_SECOND
    backward = backward_bytes / bytes_per_second
    backward += covered * 150 / SCALAR_OPERATIONS_PER_SECOND
    return {"forward": 1e3 * forward, "forward_backward": 1e3 * (forward + backward)}


def measure(peer, rounds: int) -> dict:
    """All numbers of the benchmark, printed as they come."""
    head, triangles = head_mesh()
    floor = floor_milliseconds(len(head), len(triangles), channels=7)
    report = {
        "num_vertices": len(head),
        "num_triangles": len(triangles),
        "floor_ms": floor,
        "ids_differing": 0,
        "mask_differing": 0,
        "large_triangles": {},
    }
    for batch_size in BATCH_SIZES:
        vertices = tf.constant(np.tile(head, (batch_size, 1, 1)), tf.float32)
        attributes = tf.concat([vertices, vertices**2, vertices[..., :1]], axis=-1)
        arguments = (vertices, tf.constant(view_projections(batch_size)), attributes)
        numbers, passes = compare(build_renderers(peer, triangles), arguments, rounds)
        for name in passes:
            medians = numbers[f"{name}_ms"]
            over_floor = medians["ours"] / (batch_size * floor[name])
            print_ratio(f"batch {batch_size} {name}", medians, f"{over_floor:.1f} x the floor")
        report[f"batch_{batch_size}"] = numbers
        _, peer_mask, peer_ids = passes["forward"]["peer"](*arguments)
        _, our_mask, our_ids = passes["forward"]["ours"](*arguments)
        # Of all batch sizes together.
        report["ids_differing"] += int(np.sum(peer_ids.numpy() != our_ids.numpy()))
        report["mask_differing"] += int(np.sum(peer_mask.numpy() != our_mask.numpy()))
    print(f"ids differing {report['ids_differing']}, mask differing {report['mask_differing']}")
    for scene, soup in large_triangles().items():
        soup_triangles = np.arange(soup.shape[1], dtype=np.int32).reshape(-1, 3)
        attributes = np.tile(soup, 3)[..., :7]
        camera = projection(distance=0.0)[np.newaxis].astype(np.float32)
        numbers, passes = compare(
            build_renderers(peer, soup_triangles),
            tuple(map(tf.constant, (soup, camera, attributes))),
            rounds,
        )
        for name in passes:
            print_ratio(f"large triangles, {scene}, {name}", numbers[f"{name}_ms"])
        report["large_triangles"][scene] = numbers
    return report


def compare(renderers: dict, arguments: tuple, rounds: int) -> tuple[dict, dict]:
    """Times of both renderers and their ratios, forward and both ways; and what was timed."""
    # Each is traced anew per batch size: the peer needs a static one.
    passes = {
        "forward": {name: tf.function(render) for name, render in renderers.items()},
        "forward_backward": {
            name: tf.function(with_gradient(render)) for name, render in renderers.items()
        },
    }
    numbers = {}
    for name, functions in passes.items():
        medians = timing.interleaved_medians(functions, arguments, rounds)
        numbers[f"{name}_ratio"] = medians["ours"] / medians["peer"]
        numbers[f"{name}_ms"] = medians
    return numbers, passes


def print_ratio(label: str, medians: dict[str, float], remark: str = "") -> None:
    """One line of the report."""
    print(
        f"{label}: ours {medians['ours']:.1f} ms, peer {medians['peer']:.1f} ms, ratio "
        f"{medians['ours'] / medians['peer']:.3f}{', ' if remark else ''}{remark}"
    )


def measure_against_peer(rounds: int) -> dict:
    """Compiles the peer and measures."""
    with tempfile.TemporaryDirectory() as folder:
        return measure(load_peer(pathlib.Path(folder)), rounds)


if __name__ == "__main__":
    timing.main(measure_against_peer, __doc__, rounds=15)
