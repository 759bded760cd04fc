"""Layers name the argument of another shape or dtype: symbolic or eager, first call or later."""

import keras
import numpy as np
import pytest

from tests.morphable_models.made_up_models import made_up_model
from tf_facerecon.geometry import camera as cameras
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.layers.mesh_renderer import MeshRenderer
from tf_facerecon.layers.morphable_face import MorphableFace
from tf_facerecon.layers.perspective_projection import ClipSpaceProjection, PerspectiveProjection
from tf_facerecon.layers.pose_transform import PoseTransform
from tf_facerecon.layers.spherical_harmonics_illumination import SphericalHarmonicsIllumination
from tf_facerecon.layers.vertex_normals import VertexNormals

FACE = made_up_model()
WIDTHS = [
    basis.shape[-1] for basis in (FACE.identity_basis, FACE.expression_basis, FACE.albedo_basis)
]
TRIANGLES = [[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]]

# Layer and shapes of valid inputs.
LAYERS = {
    "projection": (PerspectiveProjection, {"points": (2, 5, 3)}),
    "clip space": (ClipSpaceProjection, {"points": (2, 5, 3)}),
    "pose": (PoseTransform, {"points": (2, 5, 3), "rotation": (2, 3), "translation": (2, 3)}),
    "illumination": (
        SphericalHarmonicsIllumination,
        {"albedo": (2, 5, 3), "normals": (2, 5, 3), "gamma": (2, 27)},
    ),
    "normals": (lambda: VertexNormals(TRIANGLES), {"vertices": (2, 5, 3)}),
    "renderer": (
        lambda: MeshRenderer(TRIANGLES, (4, 6), jit_compile=False),
        {"clip_vertices": (2, 5, 4), "attributes": (2, 5, 2)},
    ),
    "morphable face": (
        lambda: MorphableFace(FACE),
        {
            name: (2, w)
            for name, w in zip(("identity", "expression", "texture"), WIDTHS, strict=True)
        },
    ),
    "decoder": (lambda: FaceDecoder(FACE), {"coefficients": (2, 257)}),
}
WRONG_SHAPES = [
    ("projection", "points", (5, 3)),
    ("projection", "points", (2, 5, 2)),
    ("clip space", "points", (5, 3)),
    ("clip space", "points", (2, 5, 4)),
    ("pose", "points", (5, 3)),
    ("pose", "rotation", (3,)),
    ("pose", "rotation", (3, 3)),
    ("pose", "translation", (2, 4)),
    ("pose", "translation", (1, 3)),
    ("illumination", "albedo", (2, 3)),
    ("illumination", "normals", (2, 6, 3)),
    ("illumination", "normals", (2, 1, 3)),
    ("illumination", "gamma", (2, 12)),
    ("illumination", "gamma", (1, 27)),
    ("normals", "vertices", (5, 3)),
    ("normals", "vertices", (2, 5, 2)),
    ("renderer", "clip_vertices", (2, 5, 3)),
    ("renderer", "attributes", (5, 2)),
    ("renderer", "attributes", (2, 6, 2)),
    ("renderer", "attributes", (1, 5, 2)),
    ("morphable face", "expression", (2, 1)),
    ("morphable face", "texture", (1, WIDTHS[2])),
    ("decoder", "coefficients", (257,)),
    ("decoder", "coefficients", (2, 256)),
]


def _arrays(shapes):
    return {name: np.full(shape, 0.1, np.float32) for name, shape in shapes.items()}


def _symbols(shapes, dtype="float32"):
    return {name: keras.KerasTensor(shape, dtype) for name, shape in shapes.items()}


@pytest.mark.parametrize(("name", "argument", "shape"), WRONG_SHAPES)
def test_wrong_shape_exception_raised(name, argument, shape):
    make_layer, valid = LAYERS[name]
    wrong = {**valid, argument: shape}
    for inputs in (_arrays(wrong), _symbols(wrong)):
        with pytest.raises(ValueError, match=f"`{argument}` must"):
            make_layer()(**inputs)
        layer = make_layer()
        layer(**_symbols(valid))  # Builds it: later calls are checked, too.
        with pytest.raises(ValueError, match=f"`{argument}` must"):
            layer(**inputs)


@pytest.mark.parametrize("name", LAYERS)
def test_valid_shapes_of_unknown_batch_size_are_accepted(name):
    make_layer, valid = LAYERS[name]
    make_layer()(**_symbols({key: (None, *shape[1:]) for key, shape in valid.items()}))


@pytest.mark.parametrize("dtype", ["int32", "bool", "str"])
@pytest.mark.parametrize("name", LAYERS)
def test_wrong_dtype_exception_raised(name, dtype):
    make_layer, valid = LAYERS[name]
    for argument in valid:
        message = f"`{argument}` must be a float tensor. Received: dtype {dtype}"
        arrays = _arrays(valid)
        arrays[argument] = arrays[argument].astype(dtype)
        with pytest.raises(ValueError, match=message):
            make_layer()(**arrays)
        if dtype != "str":
            symbols = {**_symbols(valid), **_symbols({argument: valid[argument]}, dtype)}
            with pytest.raises(ValueError, match=message):
                make_layer()(*symbols.values())


def test_vertex_normals_of_another_number_of_vertices_exception_raised():
    layer = VertexNormals(TRIANGLES)
    layer(keras.Input((4, 3)))
    with pytest.raises(ValueError, match=r"`vertices` must have shape \[None, 4, 3\]"):
        layer(keras.Input((5, 3)))


def test_one_of_several_attributes_has_a_wrong_shape_exception_raised():
    layer = MeshRenderer(TRIANGLES, (4, 6), jit_compile=False)
    clip = np.ones((1, 4, 4), np.float32)
    for wrong in ({"uv": clip, "normals": clip[0]}, [clip, clip[:, :3]], {}):
        with pytest.raises(ValueError, match="`attributes` must have shape"):
            layer(clip, attributes=wrong)


def test_known_triangles_of_another_image_size_exception_raised():
    layer = MeshRenderer(TRIANGLES, (4, 6), jit_compile=False)
    clip = np.ones((1, 4, 4), np.float32)
    layer(clip, clip, triangle_ids=-np.ones((1, 4, 6), np.int32))
    with pytest.raises(ValueError, match="`triangle_ids` must have shape"):
        layer(clip, clip, triangle_ids=-np.ones((1, 6, 4), np.int32))


@pytest.mark.parametrize("image_size", [32, "32", (32,), (4, 0), (4.5, 6), None])
def test_image_size_exception_raised(image_size):
    with pytest.raises(ValueError, match="`image_size` must be two positive integers"):
        MeshRenderer(TRIANGLES, image_size)


@pytest.mark.parametrize("camera", ["deng", 1015.0, 0, [1015.0], {"focus": 1.0}, {"focal": "1015"}])
@pytest.mark.parametrize(
    "make_layer",
    [PerspectiveProjection, ClipSpaceProjection, lambda camera: FaceDecoder(FACE, camera=camera)],
)
def test_what_is_no_camera_exception_raised(make_layer, camera):
    with pytest.raises(ValueError, match="`camera` must"):
        make_layer(camera)


def test_camera_is_kept_made_of_its_fields_or_the_default_one():
    camera = cameras.PerspectiveCamera(focal=500.0)
    assert PerspectiveProjection(camera).camera is camera
    assert PerspectiveProjection({"focal": 500.0}).camera == camera
    assert PerspectiveProjection().camera == cameras.PerspectiveCamera()
