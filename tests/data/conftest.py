import functools

import pytest

from tf_facerecon.data import procedural_stream


@pytest.fixture(scope="module")
def shared_painters():
    """Compiling takes longer than drawing: all streams of a decoder share one painter."""
    with pytest.MonkeyPatch.context() as patch:
        cached = functools.cache(procedural_stream.compile_painter)
        patch.setattr(procedural_stream, "compile_painter", cached)
        yield
