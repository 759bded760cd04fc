import functools

import pytest

from tf_facerecon.datasets import synthetic_dataset


@pytest.fixture(scope="module")
def shared_painters():
    """Compiling takes longer than drawing: all streams of a decoder share one painter."""
    with pytest.MonkeyPatch.context() as patch:
        cached = functools.cache(synthetic_dataset.compile_painter)
        patch.setattr(synthetic_dataset, "compile_painter", cached)
        yield
