import keras
import numpy as np
import tensorflow as tf

from tests import toy_face
from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.visualization.training_panel import TrainingPanel


def test_draw_shows_photo_overlay_and_shape():
    decoder = FaceDecoder(toy_face.build_toy_face_model())
    images = keras.Input((224, 224, 3))
    features = keras.layers.GlobalAveragePooling2D()(images)
    r_net = keras.Model(images, keras.layers.Dense(decoder.layout.total, use_bias=True)(features))
    r_net.layers[-1].set_weights(
        [np.zeros((3, decoder.layout.total)), np.zeros(decoder.layout.total)]
    )
    photo = tf.fill((2, 224, 224, 3), 0.2)
    panel = TrainingPanel(r_net, decoder, photo).draw()
    assert (panel.shape, panel.dtype) == ((448, 672, 3), np.uint8)
    np.testing.assert_array_equal(panel[:, :224], 51)
    # Outside the face the overlay is the photo and the shape is white; inside neither is.
    assert np.all(panel[0, 224] == 51) and np.all(panel[0, 448] == 255)
    assert np.all(panel[112, 336] != 51) and np.all(panel[112, 560] < 255)
