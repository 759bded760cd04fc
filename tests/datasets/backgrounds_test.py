import numpy as np
import tensorflow as tf

from tf_facerecon.datasets import backgrounds, camera_artifacts

SEED = tf.constant([5, 6])


def test_images_stay_in_range_and_repeat():
    skin = tf.fill((2, 3), 0.5)
    images = []
    for _ in range(2):
        scene = backgrounds.cluttered_background(2, 224, SEED)
        scene = backgrounds.draw_hair_and_shoulders(scene, skin, SEED)
        images.append(camera_artifacts.add_camera_artifacts(scene, SEED).numpy())
    np.testing.assert_array_equal(*images)
    assert images[0].min() >= 0 and images[0].max() <= 1
    assert images[0].std() > 0.05
