from tf_facerecon.core import package_versions


def test_package_versions_preset():
    versions = package_versions.package_versions()
    assert set(versions) == {"tf_facerecon", "tensorflow", "keras", "numpy"}
    assert all(versions[name] for name in ("tensorflow", "keras", "numpy"))
