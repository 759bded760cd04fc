import json

import keras
import numpy as np
import pytest

from tests.layers.keras_layer_contract import run_layer_test
from tests.rendering import rendering_scenes
from tf_facerecon.layers import mesh_renderer

SIZE = (16, 32)


@pytest.fixture(scope="module")
def mesh():
    """Clip vertices `[1, V, 4]`, triangles, attributes `[1, V, 2]`."""
    clip, triangles = rendering_scenes.bumpy_sheet(8)
    return clip[np.newaxis], triangles, clip[np.newaxis, :, :2]


def test_mesh_renderer_depth_is_the_clip_coordinate_w(mesh):
    clip, triangles, attributes = mesh
    flat = np.array(clip)
    flat[..., 3] = 4.0
    images = mesh_renderer.MeshRenderer(triangles, SIZE, jit_compile=False)(flat, attributes)
    mask = images["mask"].numpy()
    assert mask.any() and not mask.all()
    np.testing.assert_allclose(images["depth"], 4.0 * mask, atol=1e-5)
    assert images["attributes"].shape == (1, *SIZE, 2)


def test_mesh_renderer_is_sound(mesh):
    clip, triangles, attributes = mesh
    layer = mesh_renderer.MeshRenderer(triangles, SIZE, jit_compile=False, name="renderer")
    config = json.loads(json.dumps(layer.get_config()))
    revived = mesh_renderer.MeshRenderer.from_config(config)
    assert revived.get_config() == layer.get_config()
    images, again = layer(clip, attributes), revived(clip, attributes)
    spec = layer.compute_output_spec(
        keras.KerasTensor(clip.shape), keras.KerasTensor(attributes.shape)
    )
    assert images.keys() == spec.keys()
    for name, image in images.items():
        np.testing.assert_array_equal(image, again[name])
        assert tuple(image.shape) == tuple(spec[name].shape)
        assert image.dtype.name == spec[name].dtype


def test_mesh_renderer_saves_in_a_model(mesh, tmp_path):
    clip, triangles, attributes = mesh
    clip_input, attribute_input = keras.Input((None, 4)), keras.Input((None, 2))
    images = mesh_renderer.MeshRenderer(triangles, SIZE, jit_compile=False)(
        clip_input, attribute_input
    )
    model = keras.Model([clip_input, attribute_input], images)
    model.save(tmp_path / "renderer.keras")
    loaded = keras.models.load_model(tmp_path / "renderer.keras")
    expected, received = model([clip, attributes]), loaded([clip, attributes])
    for name, image in expected.items():
        np.testing.assert_array_equal(image, received[name])


def test_mesh_renderer_does_not_lose_precision_under_a_mixed_policy(mesh):
    clip, triangles, attributes = mesh
    plain = mesh_renderer.MeshRenderer(triangles, SIZE, jit_compile=False)
    mixed = mesh_renderer.MeshRenderer(triangles, SIZE, jit_compile=False, dtype="mixed_float16")
    for name, image in plain(clip, attributes).items():
        np.testing.assert_array_equal(image, mixed(clip, attributes)[name])


def test_mesh_renderer_takes_named_attributes(mesh):
    clip, triangles, attributes = mesh
    named = {"uv": attributes, "normals": np.sin(clip[..., :3])}
    layer = mesh_renderer.MeshRenderer(triangles, SIZE, jit_compile=False)
    images = layer(clip, named)["attributes"]
    assert images.keys() == named.keys()
    for name, values in named.items():
        np.testing.assert_array_equal(images[name], layer(clip, values)["attributes"])


def test_mesh_renderer_antialiases_when_asked(mesh):
    clip, triangles, attributes = mesh
    clip = clip * np.array([0.7, 0.7, 1, 1], np.float32)  # All of its outline is in the image.
    plain, blended = (
        mesh_renderer.MeshRenderer(triangles, SIZE, antialias=antialias, jit_compile=False)(
            clip, np.ones_like(attributes)
        )
        for antialias in (False, True)
    )
    np.testing.assert_array_equal(plain["mask"], blended["mask"])
    np.testing.assert_allclose(plain["attributes"], np.repeat(plain["mask"], 2, -1), atol=1e-5)
    between = (blended["attributes"].numpy() > 0.01) & (blended["attributes"].numpy() < 0.99)
    assert between.any()


@pytest.mark.parametrize(
    ("triangles", "message"),
    [
        ([[0, 1]], "`triangles` must have shape"),
        ([[0, 1, -2]], "must not be negative"),
        ([[0.0, 1, 2]], "must hold integers"),
    ],
)
def test_mesh_renderer_exception_raised(triangles, message):
    with pytest.raises(ValueError, match=message):
        mesh_renderer.MeshRenderer(triangles, SIZE)


def test_mesh_renderer_of_vertices_that_are_not_there_exception_raised():
    renderer = mesh_renderer.MeshRenderer([[0, 1, 3]], SIZE)
    with pytest.raises(ValueError, match="be below 3, the vertices. Received: 0 to 3"):
        renderer(np.ones((1, 3, 4), np.float32), np.ones((1, 3, 2), np.float32))


def test_mesh_renderer_without_depth_renders_the_same_attributes(mesh):
    clip, triangles, attributes = mesh
    layer = mesh_renderer.MeshRenderer(triangles, SIZE, jit_compile=False)
    bare = mesh_renderer.MeshRenderer(triangles, SIZE, jit_compile=False, return_depth=False)
    images, expected = bare(clip, attributes), layer(clip, attributes)
    assert images.keys() == expected.keys() - {"depth"}
    np.testing.assert_allclose(images["attributes"], expected["attributes"], atol=1e-6)


def test_mesh_renderer_keras_layer_test():
    run_layer_test(
        mesh_renderer.MeshRenderer,
        {"triangles": [[0, 1, 2]], "image_size": (4, 6), "jit_compile": False},
        {"clip_vertices_shape": (2, 3, 4), "attributes_shape": (2, 3, 5)},
        {
            "attributes": (2, 4, 6, 5),
            "mask": (2, 4, 6, 1),
            "depth": (2, 4, 6, 1),
            "barycentrics": (2, 4, 6, 3),
            "triangle_ids": (2, 4, 6),
        },
        run_training_check=False,
    )


def test_mesh_renderer_with_an_unknown_backend_exception_raised():
    with pytest.raises(ValueError, match=r"must be one of \['native', 'tensorflow_graphics'\]"):
        mesh_renderer.MeshRenderer([[0, 1, 2]], SIZE, backend="opengl")
