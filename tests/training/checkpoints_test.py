import keras
import numpy as np
import pytest

from tf_facerecon.training.checkpoints import CheckpointFolder


def variables(*values):
    return [keras.Variable(np.asarray(value, "float32")) for value in values]


def test_restore_gives_back_every_bit(tmp_path, rng):
    saved = variables(rng.normal(size=(3, 2)), rng.normal())
    counters = [keras.Variable(np.int64(7), dtype="int64", trainable=False)]
    CheckpointFolder(tmp_path).save(12, {"weights": saved, "counters": counters})
    empty = variables(np.zeros((3, 2)), 0.0)
    count = [keras.Variable(np.int64(0), dtype="int64", trainable=False)]
    assert CheckpointFolder(tmp_path).restore({"weights": empty, "counters": count}) == 12
    for expected, restored in zip(saved + counters, empty + count, strict=True):
        np.testing.assert_array_equal(restored.numpy(), expected.numpy())


def test_restore_from_nothing_is_step_zero(tmp_path):
    assert CheckpointFolder(tmp_path / "absent").restore({"weights": variables(1.0)}) == 0


def test_save_keeps_the_latest(tmp_path):
    folder = CheckpointFolder(tmp_path, keep=2)
    for step in (1, 20, 300):
        folder.save(step, {"weights": variables(step)})
    assert [path.name for path in folder.paths()] == ["step_00000020.npz", "step_00000300.npz"]


def test_restore_falls_back_when_the_newest_is_damaged(tmp_path):
    folder = CheckpointFolder(tmp_path)
    folder.save(1, {"weights": variables(5.0)})
    newest = folder.save(2, {"weights": variables(6.0)})
    newest.write_bytes(newest.read_bytes()[:50])
    restored = variables(0.0)
    assert folder.restore({"weights": restored}) == 1
    assert float(restored[0]) == 5.0


def test_restore_all_damaged_exception_raised(tmp_path):
    folder = CheckpointFolder(tmp_path)
    folder.save(1, {"weights": variables(5.0)}).write_bytes(b"no zip")
    with pytest.raises(ValueError, match="No checkpoint in .* is readable"):
        folder.restore({"weights": variables(0.0)})


@pytest.mark.parametrize("others", [variables([1.0, 2.0]), variables(1.0, 2.0), []])
def test_restore_other_variables_exception_raised(tmp_path, others):
    folder = CheckpointFolder(tmp_path)
    folder.save(1, {"weights": variables(5.0)})
    with pytest.raises(ValueError, match="does not hold the variables of this run"):
        folder.restore({"weights": others})


def test_restore_removes_what_a_kill_left(tmp_path):
    folder = CheckpointFolder(tmp_path)
    folder.save(1, {"weights": variables(5.0)})
    (tmp_path / ".part-00-step_00000002.npz").write_bytes(b"half")
    folder.restore({"weights": variables(0.0)})
    assert [path.name for path in tmp_path.iterdir()] == ["step_00000001.npz"]


def test_save_refuses_what_is_not_finite(tmp_path):
    folder = CheckpointFolder(tmp_path)
    folder.save(1, {"weights": variables(5.0)})
    with pytest.raises(FloatingPointError, match="weights .* not finite after step 2"):
        folder.save(2, {"weights": variables(np.nan)})
    assert [path.name for path in tmp_path.iterdir()] == ["step_00000001.npz"]


def test_checkpoint_folder_exception_raised(tmp_path):
    with pytest.raises(ValueError, match="`keep` must be at least 1"):
        CheckpointFolder(tmp_path, keep=0)
