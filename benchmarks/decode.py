"""Measures coefficients -> picture, forward and backward, and where the time goes.

    python benchmarks/decode.py --json decode.json

The face model is the procedural one at the density of the Basel Face Model. `rest_over_rasterizer`
compares everything that is not the rasterizer with it: the time of the whole, less that of the
rasterizer alone on the same vertices, over the latter, for a training batch of 5. All are timed in
turn, in one process; the floor is what the machine was measured to do a moment earlier.
"""

import functools

import numpy as np
import tensorflow as tf
import timing

from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.rendering import rasterizer

FACE_MODEL = "procedural-35709"
BATCH_SIZES = (1, 5)
KEY_BATCH_SIZE = 5


def with_gradient(function):
    """The forward and backward pass of the sum of squares of what `function` answers."""

    def step(*arguments):
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            answers = tf.nest.flatten(function(*arguments))
            loss = tf.add_n([tf.reduce_sum(tf.square(answer)) for answer in answers])
        return tape.gradient(loss, arguments)

    return tf.function(step)


def build_parts(decoder: FaceDecoder, batch_size: int) -> dict:
    """For each part of decoding, a function without arguments that runs it both ways."""
    rng = np.random.default_rng(20190320)
    widths = decoder.layout.sizes
    scales = {"rotation": 0.2, "translation": 0.1, "lighting": 0.2}
    groups = {
        name: tf.constant(rng.normal(0, scales.get(name, 1.0), (batch_size, width)), tf.float32)
        for name, width in widths.items()
    }
    coefficients = decoder.layout.merge(groups)
    decoded = decoder(coefficients)
    model_groups = tuple(groups[name] for name in ("identity", "expression", "texture"))

    def picture(coefficients):
        return decoder(coefficients)["image"]

    size = (decoder.camera.image_size,) * 2
    triangles = tf.constant(decoder.face_model.triangles)

    def draw(clip_vertices, colours):
        return rasterizer.rasterize(clip_vertices, triangles, colours, size).attributes

    def light(shape, albedo, rotation, lighting):
        normals = decoder.pose_transform(decoder.vertex_normals(shape), rotation)
        return decoder.illumination(albedo, normals, lighting)

    parts = {
        "whole": (picture, (coefficients,)),
        "rasterizer": (draw, (decoder.clip_projection(decoded["vertices"]), decoded["colours"])),
        "face_model": (decoder.morphable_face, model_groups),
        "normals_and_light": (
            light,
            (decoded["shape"], decoded["albedo"], groups["rotation"], groups["lighting"]),
        ),
        "pose": (
            decoder.pose_transform,
            (decoded["shape"], groups["rotation"], groups["translation"]),
        ),
        "camera": (decoder.clip_projection, (decoded["vertices"],)),
    }
    return {
        name: functools.partial(with_gradient(function), *arguments)
        for name, (function, arguments) in parts.items()
    }


def floor_milliseconds(decoder: FaceDecoder, batch_size: int) -> dict[str, float]:
    """Least time of the parts that are not the rasterizer, from the measured speed of memory.

    Forward and backward each read the bases once; per picture, shape and albedo are written and
    read, and each of the normals' look-ups (corners of triangles, triangles of vertices) is read,
    both ways.
    """
    model = decoder.face_model
    bases = model.identity_basis, model.expression_basis, model.albedo_basis
    basis_values = sum(basis.size for basis in bases)
    vertex_values = 3 * model.num_vertices
    look_ups = 3 * 2 * model.triangles.size
    speed = timing.bytes_per_second()
    operations = timing.operations_per_second()
    multiplications = 2 * 2 * batch_size * basis_values
    return {
        "face_model": 1e3 * max(2 * 4 * basis_values / speed, multiplications / operations),
        "vertices": 1e3 * 4 * batch_size * 2 * (6 * vertex_values + look_ups) / speed,
    }


def measure(rounds: int) -> dict:
    """All numbers of the benchmark, printed as they come."""
    decoder = FaceDecoder(FACE_MODEL)
    report = {"num_vertices": decoder.face_model.num_vertices}
    for batch_size in BATCH_SIZES:
        medians = timing.interleaved_medians(build_parts(decoder, batch_size), (), rounds)
        floor = floor_milliseconds(decoder, batch_size)
        rest = medians["whole"] - medians["rasterizer"]
        shares = {name: time / medians["whole"] for name, time in medians.items()}
        numbers = {
            "milliseconds": medians,
            "shares": shares,
            "rest_over_rasterizer": rest / medians["rasterizer"],
            "floor_ms": floor,
            "rest_over_floor": rest / sum(floor.values()),
        }
        print(f"batch {batch_size}, forward and backward:")
        for name, time in medians.items():
            print(f"  {name:18} {time:7.1f} ms {100 * shares[name]:5.0f} %")
        print(f"  rest / rasterizer {numbers['rest_over_rasterizer']:.3f}")
        print(
            f"  rest / its floor of {sum(floor.values()):.1f} ms: {numbers['rest_over_floor']:.1f}"
        )
        report[f"batch_{batch_size}"] = numbers
    report["rest_over_rasterizer"] = report[f"batch_{KEY_BATCH_SIZE}"]["rest_over_rasterizer"]
    return report


if __name__ == "__main__":
    timing.main(measure, __doc__, rounds=15)
