import json

import numpy as np
import pytest

from tf_facerecon.io import json_files


def test_write_json_preset(tmp_path):
    json_files.write_json(tmp_path / "a.json", {"a": np.arange(2), "b": np.float32(0.5)})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"a": [0, 1], "b": 0.5}
    with pytest.raises(ValueError):
        json_files.write_json(tmp_path / "b.json", {"a": float("nan")})
    with pytest.raises(TypeError, match="object is not JSON-serialisable"):
        json_files.write_json(tmp_path / "b.json", {"a": object()})
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
