"""Published TensorFlow 1 weights, `deep3d_frozen_graph` and `deep3d_slim`, with what they share:
`inference_graph`, `normalized_convolutions`, `r_net_weights`, `weight_checks`, `deep3d_weights`."""

import numpy as np
import pytest
import tensorflow as tf

from tests.models.converters.made_up_deep3d import HEADS, SlimNetwork
from tf_facerecon.models.converters import (
    deep3d_frozen_graph,
    deep3d_weights,
    resnet50_layers,
    weight_checks,
)
from tf_facerecon.models.r_net import RNet


@pytest.fixture(scope="module")
def images():
    # Two images of two sizes of detail: noise alone is grey after the first layers.
    rng = np.random.default_rng(5)
    coarse = rng.random((1, 14, 14, 3)).repeat(16, axis=1).repeat(16, axis=2)
    return np.concatenate([coarse, rng.random((1, 224, 224, 3))]).astype(np.float32)


@pytest.fixture(scope="module")
def slim():
    return SlimNetwork()


@pytest.fixture(scope="module")
def frozen(slim):
    return slim.frozen()


def write(path, definition):
    path.write_bytes(definition.SerializeToString())
    return path


def assert_equal_networks(r_net, source, images):
    """At most 1e-4 of the scale, for images of which the source computes different values."""
    features, coefficients = source.run(images)
    assert np.abs(coefficients[0] - coefficients[1]).max() > 0.01 * np.abs(coefficients).max()
    converted = r_net.features(images)["deep"]
    np.testing.assert_allclose(converted, features, rtol=0, atol=1e-4 * np.abs(features).max())
    scale = np.abs(coefficients).max()
    np.testing.assert_allclose(r_net(images), coefficients, rtol=0, atol=1e-4 * scale)


def test_slim_checkpoint_parity(slim, images, tmp_path):
    prefix = slim.save_checkpoint(tmp_path / "iter_0.ckpt")
    r_net, report = deep3d_weights.convert_deep3d_weights(f"{prefix}.index")
    assert_equal_networks(r_net, slim, images)
    assert (report.format, r_net.backbone_variant) == ("slim", "deep3d_tensorflow")
    assert report.coefficient_difference <= 1e-4 * report.coefficient_scale
    r_net.save(tmp_path / "converted.keras")
    loaded = RNet.from_preset(tmp_path / "converted.keras")
    np.testing.assert_allclose(loaded(images), r_net(images), rtol=1e-5, atol=1e-5)
    assert loaded.face_model == "bfm09"


def test_frozen_graph_parity(slim, frozen, images, tmp_path):
    path = write(tmp_path / "FaceReconModel.pb", frozen)
    r_net, report = deep3d_weights.convert_deep3d_weights(path)
    assert_equal_networks(r_net, slim, images)
    assert report.format == "frozen_graph"
    assert r_net.backbone_epsilon == pytest.approx(1.001e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"norm": "folded", "strides": "he", "heads": {**HEADS, "focal": 1}},
        pytest.param({"norm": "separate", "epsilon": 3e-4}, marks=pytest.mark.slow),
    ],
    ids=["folded, 258 columns", "separate operations"],
)
def test_frozen_graph_parity_of_other_layouts(options, images, tmp_path):
    source = SlimNetwork(seed=1, **options)
    path = write(tmp_path / "model.pb", source.frozen())
    r_net, _ = deep3d_weights.convert_deep3d_weights(path, num_images=1)
    assert_equal_networks(r_net, source, images)


def test_frozen_graph_epsilon_of_its_nodes(frozen, tmp_path):
    copy = copy_of(frozen)
    nodes = [node for node in copy.node if node.op == "FusedBatchNormV3"]
    for node in nodes:
        node.attr["epsilon"].f = 2e-3
    path = write(tmp_path / "model.pb", copy)
    weights, _ = deep3d_frozen_graph.read_frozen_graph(path)
    assert weights.epsilon == pytest.approx(2e-3)
    nodes[-1].attr["epsilon"].f = 1e-3
    with pytest.raises(ValueError, match="must have one epsilon"):
        deep3d_frozen_graph.read_frozen_graph(write(path, copy))


def copy_of(definition):
    copy = tf.compat.v1.GraphDef()
    copy.CopyFrom(definition)
    return copy


def node_of(definition, name):
    return next(node for node in definition.node if node.name == name)


def rewire(definition, op):
    """The image goes through one more operation before the network."""
    copy = copy_of(definition)
    node = copy.node.add(name="extra", op=op, input=["input_imgs"])
    node.attr["T"].type = tf.float32.as_datatype_enum
    for other in copy.node:
        if other.name != "extra" and "input_imgs" in other.input:
            other.input[list(other.input).index("input_imgs")] = "extra"
    return copy, node


def test_frozen_graph_hostile_operations_do_not_run(frozen, tmp_path):
    target = tmp_path / "written"
    with tf.Graph().as_default() as graph:
        tf.io.write_file(str(target), "executed", name="hostile")
    copy = copy_of(frozen)
    copy.node.extend(graph.as_graph_def().node)
    node_of(copy, "coeff").input.append("^hostile")
    with pytest.raises(ValueError, match="'hostile' of model.pb is an operation 'WriteFile'"):
        deep3d_frozen_graph.read_frozen_graph(write(tmp_path / "model.pb", copy))
    for op in ("PyFunc", "ReadFile", "While", "PartitionedCall"):
        with pytest.raises(ValueError, match=f"'extra' of model.pb is an operation '{op}'"):
            copy, _ = rewire(frozen, op)
            deep3d_frozen_graph.read_frozen_graph(write(tmp_path / "model.pb", copy))
    assert not target.exists()


def test_frozen_graph_unused_operations_are_not_read(frozen, tmp_path):
    copy = copy_of(frozen)
    copy.node.add(name="unused", op="NoSuchOperation")
    weights, _ = deep3d_frozen_graph.read_frozen_graph(write(tmp_path / "model.pb", copy))
    assert set(weights.convolutions) == {c.name for c in resnet50_layers.resnet50_convolutions()}


def cyclic(definition):
    copy, node = rewire(definition, "Add")
    node.input.append("coeff")
    return copy


def without_output(definition):
    copy = copy_of(definition)
    node_of(copy, "coeff").name = "output"
    return copy


def with_preprocessing(definition):
    return rewire(definition, "Relu")[0]


def with_symmetric_pool(definition):
    copy = copy_of(definition)
    pool = next(n for n in copy.node if n.op == "MaxPool" and n.attr["ksize"].list.i[1] == 3)
    pool.attr["padding"].s = b"VALID"
    return copy


def with_missing_head(definition):
    copy = copy_of(definition)
    coeff = node_of(copy, "coeff")
    del coeff.input[0]
    coeff.attr["N"].i -= 1
    return copy


def with_other_strides(definition):
    copy = copy_of(definition)
    shortcut = [n for n in copy.node if n.op == "MaxPool" and n.attr["ksize"].list.i[1] == 1][1]
    shortcut.attr["strides"].list.i[1:3] = [3, 3]
    return copy


@pytest.mark.parametrize(
    "change, message",
    [
        (cyclic, "has a cycle"),
        (without_output, "has no node 'coeff'"),
        (with_preprocessing, "must take 'input_imgs'.*Received: 'extra'"),
        (with_symmetric_pool, "must be a 3 x 3 max-pool, padding SAME"),
        (with_missing_head, "'coeff' of model.pb must have 257 columns.*Received: 177"),
        (with_other_strides, "Block 4 of stage 2 must have strides"),
    ],
)
def test_frozen_graph_of_another_network_refused(change, message, frozen, tmp_path):
    with pytest.raises(ValueError, match=message):
        deep3d_frozen_graph.read_frozen_graph(write(tmp_path / "model.pb", change(frozen)))


@pytest.mark.parametrize("content", [b"", b"\x80\x02cos\nsystem\n(S'true'\ntR.", b"\xff" * 1000])
def test_frozen_graph_damaged_file_refused(content, tmp_path):
    (tmp_path / "model.pb").write_bytes(content)
    with pytest.raises(ValueError, match="not a serialized TensorFlow graph|has no node"):
        deep3d_frozen_graph.read_frozen_graph(tmp_path / "model.pb")


def test_frozen_graph_truncated_file_refused(frozen, tmp_path):
    (tmp_path / "model.pb").write_bytes(frozen.SerializeToString()[:-1000])
    with pytest.raises(ValueError, match="not a serialized TensorFlow graph|has no node"):
        deep3d_frozen_graph.read_frozen_graph(tmp_path / "model.pb")


def test_converted_network_that_differs_is_refused(frozen, tmp_path):
    """An average over rows alone has the same layers, but not the same values."""
    copy = copy_of(frozen)
    last = [node for node in copy.node if node.op == "Relu"][-1].name
    pooled = next(node for node in copy.node if node.op == "Mean")
    part = copy.node.add(name="pool", op="AvgPool", input=[last])
    part.attr["T"].type = tf.float32.as_datatype_enum
    part.attr["padding"].s = b"VALID"
    part.attr["ksize"].list.i[:] = [1, 5, 5, 1]
    part.attr["strides"].list.i[:] = [1, 7, 7, 1]
    for node in copy.node:
        for index, name in enumerate(node.input):
            if name == pooled.name:
                node.input[index] = "pool"
    with pytest.raises(ValueError, match="computes other features than"):
        deep3d_weights.convert_deep3d_weights(write(tmp_path / "model.pb", copy), num_images=1)


def test_slim_checkpoint_of_another_network_refused(tmp_path):
    names = resnet50_layers.resnet50_convolutions()
    assert len(list(names)) == 53
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        kernel = np.zeros((7, 7, 3, 32), np.float32)
        tf.compat.v1.get_variable("resnet_v1_50/conv1/weights", initializer=kernel)
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(tmp_path / "iter.ckpt"))
    message = r"'resnet_v1_50/conv1/weights' of iter.ckpt must have shape \[7, 7, 3, 64\].*32\]"
    with pytest.raises(ValueError, match=message):
        deep3d_weights.convert_deep3d_weights(tmp_path / "iter.ckpt")


def test_slim_checkpoint_damaged_file_refused(slim, tmp_path):
    prefix = slim.save_checkpoint(tmp_path / "iter.ckpt")
    data = tmp_path / "iter.ckpt.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:1000])
    with pytest.raises(ValueError, match="not a readable TensorFlow checkpoint"):
        deep3d_weights.convert_deep3d_weights(prefix)
    (tmp_path / "iter.ckpt.index").write_bytes(b"\x00" * 100)
    with pytest.raises(ValueError, match="not a readable TensorFlow checkpoint"):
        deep3d_weights.convert_deep3d_weights(prefix)


def test_check_entries_names_the_first_difference():
    expected = {"first": (3,), "second": (2, 2)}
    weight_checks.check_entries({"second": (2, 2), "first": (3,)}, expected, "file")
    with pytest.raises(ValueError, match="file has no weight 'second'"):
        weight_checks.check_entries({"first": (3,)}, expected, "file")
    with pytest.raises(ValueError, match=r"'first' of file must have shape \[3\]. Received: \[4"):
        weight_checks.check_entries({"first": (4,)}, expected, "file")
    with pytest.raises(ValueError, match="'third' that the network does not have"):
        weight_checks.check_entries({**expected, "third": ()}, expected, "file")
    with pytest.raises(ValueError, match="'first' of file has values that are not finite"):
        weight_checks.check_finite(np.array([np.nan]), "first", "file")


def test_weights_format_by_file_name(tmp_path):
    assert deep3d_weights.weights_format("epoch_20.pth") == "pytorch"
    assert deep3d_weights.weights_format("FaceReconModel.pb") == "frozen_graph"
    with pytest.raises(ValueError, match=r"must be a .pth file.*Received: .*model.h5"):
        deep3d_weights.weights_format(tmp_path / "model.h5")
    with pytest.raises(FileNotFoundError, match="no frozen graph"):
        deep3d_weights.convert_deep3d_weights(tmp_path / "absent.pb")
    with pytest.raises(FileNotFoundError, match="no PyTorch checkpoint"):
        deep3d_weights.convert_deep3d_weights(tmp_path / "absent.pth")
    with pytest.raises(FileNotFoundError, match="no TensorFlow checkpoint"):
        deep3d_weights.convert_deep3d_weights(tmp_path / "absent.ckpt.index")
