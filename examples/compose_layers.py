"""Composes a face renderer from Keras layers and finds the light of a rendered face by gradients.

python examples/compose_layers.py relit.png --steps 200
"""

import argparse

import keras
import numpy as np

import tf_facerecon
from tf_facerecon import layers


def build_renderer(face_model: str) -> keras.Model:
    """Coefficients `[B, 257]` and lighting `[B, 27]` to the image `[B, 224, 224, 3]`."""
    morphable_face = layers.MorphableFace(face_model)
    model = morphable_face.face_model
    bases = (model.identity_basis, model.expression_basis, model.albedo_basis)
    layout = tf_facerecon.CoefficientLayout(*(basis.shape[-1] for basis in bases))
    coefficients = keras.Input((layout.total,), name="coefficients")
    lighting = keras.Input((27,), name="lighting")
    groups = layout.split(coefficients)
    shape, albedo = morphable_face(groups["identity"], groups["expression"], groups["texture"])
    vertices = layers.PoseTransform()(shape, groups["rotation"], groups["translation"])
    normals = layers.VertexNormals(model.triangles)(vertices)
    colours = layers.SphericalHarmonicsIllumination()(albedo, normals, lighting)
    clip = layers.ClipSpaceProjection()(vertices)
    rendered = layers.MeshRenderer(model.triangles, (224, 224))(clip, colours)
    return keras.Model([coefficients, lighting], rendered["attributes"])


def main(arguments=None):
    """Renders the mean face in random light, then fits the light to that image."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", help="PNG file to write: target and fit")
    parser.add_argument("--face-model", default="procedural", help="name or file of the 3DMM")
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args(arguments)

    renderer = build_renderer(options.face_model)
    mean = np.zeros((1, renderer.inputs[0].shape[-1]))
    light = np.random.default_rng(0).normal(0, 0.2, (1, 27))
    target = renderer([mean, light])
    # The unknown light is the kernel of a Dense layer whose input is always 1.
    one = keras.Input((1,))
    fitted = keras.layers.Dense(27, use_bias=False, kernel_initializer="zeros")(one)
    image = renderer([keras.ops.matmul(one, mean), fitted])
    model = keras.Model(one, image)
    model.compile(keras.optimizers.Adam(0.05), loss="mse")
    history = model.fit(np.ones((1, 1)), target, epochs=options.steps, verbose=0)
    images = keras.ops.concatenate([target[0], model(np.ones((1, 1)))[0]], axis=1)
    keras.utils.save_img(options.image, 255 * keras.ops.clip(images, 0, 1), scale=False)
    losses = history.history["loss"]
    print(f"mean squared error {losses[0]:.4f} -> {losses[-1]:.6f}")


if __name__ == "__main__":
    main()
