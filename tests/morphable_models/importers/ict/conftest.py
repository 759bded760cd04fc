import pytest

from tests.morphable_models.importers.ict import made_up_kit


@pytest.fixture(scope="session")
def kit():
    return made_up_kit.build_kit()


@pytest.fixture
def kit_folder(kit, tmp_path):
    return kit.write(tmp_path / "ICT-FaceKit")
