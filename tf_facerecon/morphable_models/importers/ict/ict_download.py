"""Download of ICT-FaceKit from its public repository at a pinned commit, with sha256 checks.

Not `keras.utils.get_file` (3.15): it has neither a timeout nor a size limit, so that a stalled or
endless response never ends; it leaves a file with the wrong hash in place; and it silently writes
to a temporary folder if the cache folder is not writable.
"""

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
_TIMEOUT = 60.0  # Seconds without a response.
_MAX_BYTES = 32 * 2**20


def fetch_ict(folder: str | os.PathLike, *, address: str = _ADDRESS) -> pathlib.Path:
    """Downloads the 155 files that `ict_fields` reads, and the licence (400 MB in total).

    Existing files with the right checksum are kept, so an interrupted download is resumed.

    Args:
        folder: Target folder; created if it does not exist.
        address: Base URL of the repository's files, for a mirror.

    Returns:
        `folder`, the source for `ict_fields`.

    Raises:
        ConnectionError: If a file cannot be downloaded completely.
        ValueError: If a file has another checksum.
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
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as response:
            content = response.read(_MAX_BYTES + 1)
            length = response.headers.get("Content-Length", "")
        is_known = length.isdecimal() and len(length) < 16
        if is_known and len(content) < int(length) <= _MAX_BYTES:
            raise ConnectionError(f"the response ends after {len(content)} of {length} bytes")
    except (http.client.HTTPException, OSError) as error:
        raise ConnectionError(
            f"Cannot download {url}: {str(error) or type(error).__name__}. On a machine without "
            "network access, download the repository elsewhere and give its folder or archive as "
            "the source."
        ) from error
    if len(content) > _MAX_BYTES:
        raise ValueError(f"{url} holds more than {_MAX_BYTES} bytes; expected an OBJ of 3 MB.")
    return content
