import pytest

from tests.morphable_models.importers.ict import made_up_kit


@pytest.fixture(scope="session")
def kit():
    return made_up_kit.build_kit()
