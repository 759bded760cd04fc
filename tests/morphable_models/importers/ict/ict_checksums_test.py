import hashlib
import re
import tarfile

from tf_facerecon.morphable_models.importers.ict import ict_checksums


def test_checksums_name_each_file_once():
    sums = ict_checksums.checksums()
    assert len(sums) == 1 + 100 + 53 + 1 + 1  # mean, identities, expressions, index, licence
    assert {f"identity{number:03d}.obj" for number in range(100)} < sums.keys()
    assert {
        "generic_neutral_mesh.obj",
        "vertex_indices.json",
        "LICENSE",
        "jawOpen.obj",
    } < sums.keys()
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in sums.values())
    assert len(set(sums.values())) == len(sums)
    assert re.fullmatch("[0-9a-f]{40}", ict_checksums.COMMIT)


def test_checksums_are_those_of_the_original_files(shared_data):
    """The first few of the archive: all of them take a minute."""
    sums, checked = ict_checksums.checksums(), 0
    with tarfile.open(shared_data / "ict-facekit-da5f95a6.tar.xz", "r|*") as archive:
        for member in archive:
            name = member.name.rpartition("/")[2]
            if name in sums:
                content = archive.extractfile(member).read()
                assert hashlib.sha256(content).hexdigest() == sums[name], name
                checked += 1
            if checked == 3:
                break
    assert checked == 3
