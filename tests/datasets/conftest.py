import functools

import pytest

from tf_facerecon.datasets import synthetic_dataset


@pytest.fixture(scope="module")
def shared_renderers():
    """Compiling takes longer than rendering: all datasets of a decoder share one renderer."""
    with pytest.MonkeyPatch.context() as patch:
        cached = functools.cache(synthetic_dataset.compile_renderer)
        patch.setattr(synthetic_dataset, "compile_renderer", cached)
        yield
