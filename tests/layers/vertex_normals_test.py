import keras
import numpy as np
import pytest

from tests.layers.keras_layer_contract import run_layer_test
from tf_facerecon.geometry import mesh_normals
from tf_facerecon.layers.vertex_normals import VertexNormals

TRIANGLES = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])


def test_layer_is_its_function(rng):
    vertices = rng.normal(size=(2, 5, 3)).astype(np.float32)
    incidence = mesh_normals.vertex_incidence(TRIANGLES, 5)
    expected = mesh_normals.vertex_normals(vertices, TRIANGLES, incidence)
    normals = VertexNormals(TRIANGLES)(vertices)
    np.testing.assert_allclose(normals, expected, atol=1e-6)
    np.testing.assert_array_equal(normals[:, 4], np.zeros((2, 3)))  # No triangle uses it.


def test_keras_layer_test():
    run_layer_test(VertexNormals, {"triangles": TRIANGLES.tolist()}, (2, 4, 3), (2, 4, 3))


def test_layer_exception_raised():
    with pytest.raises(ValueError, match="static number of vertices"):
        VertexNormals(TRIANGLES)(keras.Input((None, 3)))
    with pytest.raises(ValueError, match=r"vertex indices in \[0, 3\)"):
        VertexNormals(TRIANGLES)(np.zeros((1, 3, 3), np.float32))
    with pytest.raises(ValueError, match="must hold integers"):
        VertexNormals(TRIANGLES.astype(float))
    layer = VertexNormals(TRIANGLES)
    layer(np.zeros((1, 4, 3), np.float32))
    with pytest.raises(ValueError, match="`vertices` must have shape"):
        layer(np.zeros((1, 5, 3), np.float32))
