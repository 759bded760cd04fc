"""ICT-FaceKit from its public repository, at one commit, each file checked."""

import hashlib
import http.client
import os
import pathlib
import urllib.request

from tqdm import tqdm

from tf_facerecon.io import atomic_files
from tf_facerecon.morphable_models.importers.ict import ict_checksums

_ADDRESS = "https://raw.githubusercontent.com/ICT-VGL/ICT-FaceKit"
_FOLDER = "FaceXModel"
_LICENCE = "LICENSE"
_TIMEOUT = 60.0  # seconds without an answer
_MAX_BYTES = 32 * 2**20


def fetch_ict(folder: str | os.PathLike, *, address: str = _ADDRESS) -> pathlib.Path:
    """Downloads the 155 files that `ict_fields` reads, and the licence (400 MB in all).

    Files that are there already and right are kept, so that an interrupted download goes on where
    it stopped.

    Args:
        folder: Where they shall lie; made if it does not exist.
        address: Base address of the repository's files, for a mirror.

    Returns:
        `folder`, ready for `ict_fields`.

    Raises:
        ConnectionError: If a file cannot be fetched, or not to its end.
        ValueError: If a file is not the expected one.
    """
    folder = atomic_files.make_folder(folder)
    for name, expected in tqdm(ict_checksums.checksums().items(), desc="ICT-FaceKit", unit="file"):
        inside = name if name == _LICENCE else f"{_FOLDER}/{name}"
        path = folder / inside
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == expected:
            continue
        url = f"{address}/{ict_checksums.COMMIT}/{inside}"
        content = _download(url)
        found = hashlib.sha256(content).hexdigest()
        if found != expected:
            raise ValueError(f"{url} has sha256 {found}; expected {expected}. Nothing was kept.")
        with atomic_files.atomic_path(path) as temporary:
            temporary.write_bytes(content)
    return folder


def _download(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:
            content = answer.read(_MAX_BYTES + 1)
            promised = answer.headers.get("Content-Length", "")
        known = promised.isdecimal() and len(promised) < 16
        if known and len(content) < int(promised) <= _MAX_BYTES:
            raise ConnectionError(f"the answer ends after {len(content)} of {promised} bytes")
    except (http.client.HTTPException, OSError) as error:
        raise ConnectionError(
            f"Cannot fetch {url}: {str(error) or type(error).__name__}. On a machine without "
            "network, download the repository elsewhere and give its folder or archive as the "
            "source."
        ) from error
    if len(content) > _MAX_BYTES:
        raise ValueError(f"{url} holds more than {_MAX_BYTES} bytes; expected an OBJ of 3 MB.")
    return content
