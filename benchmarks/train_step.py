"""Measures one training step of the paper's size, and how much of it is not a network.

    python benchmarks/train_step.py --json train_step.json

ResNet-50 on 224 x 224 pictures, batch 5, the procedural face model at the density of the Basel Face
Model, all image terms of the loss, and a perceptual network of FaceNet's size with random weights
(the time does not depend on them). `overhead_fraction` is the share of the step beyond what the two
networks alone take, forward and backward: decoding, losses, optimizer. How much longer the first
step takes, in which everything is traced and compiled, is printed for both, too.
"""

import resource
import time

import tensorflow as tf
import timing

from tf_facerecon.layers.face_decoder import FaceDecoder
from tf_facerecon.losses import hybrid, perceptual
from tf_facerecon.models.facenet import FaceNet
from tf_facerecon.models.hybrid_model import HybridModel
from tf_facerecon.models.r_net import RNet
from tf_facerecon.training import fit_loop

FACE_MODEL = "procedural-35709"
BATCH_SIZE = 5
# All terms that photographs have.
LOSS_WEIGHTS = {**hybrid.PAPER_LOSS_WEIGHTS, "five_point": 2.0e-3}


def build_identity_network() -> FaceNet:
    """FaceNet, Inception-ResNet-v1 on 160 x 160, with random weights."""
    from keras_facenet import inception_resnet_v1

    model = inception_resnet_v1.InceptionResNetV1((160, 160, 3), classes=512)
    return FaceNet(model, 160, fixed_standardization=False)


def build_batch(decoder: FaceDecoder) -> dict[str, tf.Tensor]:
    """Five faces of the model itself, as photographs."""
    decoded = decoder(tf.zeros([BATCH_SIZE, decoder.layout.total]))
    noise = tf.random.stateless_uniform(decoded["image"].shape, seed=(2019, 320))
    return {
        "image": tf.clip_by_value(decoded["image"] + 0.2 * noise, 0.0, 1.0),
        "landmarks": decoded["landmarks"],
        "landmark_weights": tf.ones([BATCH_SIZE, 68]),
        "five_points": decoded["five_points"],
        "skin": tf.ones([BATCH_SIZE, 224, 224, 1]),
    }


def build_networks_alone(r_net: RNet, identity_network: FaceNet):
    """What a step asks of the two networks: R-Net both ways, FaceNet twice and once back.

    In the order of a step: what FaceNet sees of the rendering depends on what R-Net answers. If it
    did not, the two would run side by side, which no step can do.
    """

    @tf.function
    def networks_alone(batch):
        image = batch["image"]
        target = tf.stop_gradient(identity_network(image))
        with tf.GradientTape() as tape:
            coefficients = r_net(image, training=True)
            brightness = 1e-3 * tf.reduce_mean(coefficients, axis=-1)
            rendered = image[:, ::-1] + brightness[:, tf.newaxis, tf.newaxis, tf.newaxis]
            loss = tf.reduce_sum(perceptual.perceptual_loss(target, identity_network(rendered)))
        variables = [variable.value for variable in r_net.trainable_variables]
        return tf.linalg.global_norm(tape.gradient(loss, variables))

    return networks_alone


def seconds(function) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def measure(rounds: int) -> dict[str, float]:
    """All numbers of the benchmark, printed."""
    r_net, identity_network = RNet("resnet50"), build_identity_network()
    decoder = FaceDecoder(FACE_MODEL)
    model = HybridModel(r_net, decoder, identity_network, LOSS_WEIGHTS)
    fit_loop.compile_with_adam(
        model, total_steps=1_000_000, learning_rate=1e-4, decay="constant", clip_norm=None
    )
    batch = build_batch(decoder)
    batches = iter(tf.data.Dataset.from_tensors(batch).repeat())
    model.make_train_function()
    train = model.train_function
    networks_alone = build_networks_alone(r_net, identity_network)

    first_networks = seconds(lambda: networks_alone(batch))
    first_step = seconds(lambda: train(batches))
    medians = timing.interleaved_medians(
        {
            "step": lambda: train(batches)["loss"],
            "networks": lambda: networks_alone(batch),
        },
        (),
        rounds,
    )
    overhead = 1.0 - medians["networks"] / medians["step"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10  # Linux counts KiB.
    report = {
        "step_ms": medians["step"],
        "networks_ms": medians["networks"],
        "overhead_fraction": overhead,
        "compile_seconds": first_step - 1e-3 * medians["step"],
        "networks_compile_seconds": first_networks - 1e-3 * medians["networks"],
        "peak_memory_mib": peak,
    }
    print(
        f"step {medians['step']:.0f} ms, networks alone {medians['networks']:.0f} ms, "
        f"overhead {100 * overhead:.1f} %"
    )
    print(
        f"first step took {report['compile_seconds']:.1f} s longer, that of the networks alone "
        f"{report['networks_compile_seconds']:.1f} s; peak memory {peak:.0f} MiB"
    )
    return report


if __name__ == "__main__":
    timing.main(measure, __doc__, rounds=7)
