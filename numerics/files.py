"""Writing files and directories so that nothing half-written is ever seen: build beside, then rename."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from derive.errors import InputError

MANIFEST = "manifest.json"
"""The file by which a directory of ours is known; it lists every file that was written."""


def write_atomic(path: str | Path, content: str | bytes) -> None:
    """Write a file whole or not at all, by writing beside it and renaming.

    A link is followed; what is not a regular file (a pipe, ``/dev/stdout``) is written to directly.
    Raises `InputError` when the file cannot be written.
    """
    target = Path(path)
    data = content.encode() if isinstance(content, str) else content
    try:
        target = target.resolve()
        mode = target.stat().st_mode if target.exists() else None
        if mode is not None and not stat.S_ISREG(mode):
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(21, "is a directory")
            target.write_bytes(data)
            return
        _write_beside(target, data, 0o666 & ~_umask() if mode is None else stat.S_IMODE(mode))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: str | Path, error: OSError) -> InputError:
    """Return the error for an output that cannot be written."""
    return InputError(f"cannot write {str(path)!r}: {(error.strerror or str(error)).lower()}")


def _write_beside(target: Path, data: bytes, mode: int) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, mode)
        os.replace(name, target)
    except BaseException:
        # Interrupts too: nothing half-written may stay.
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def directory_atomic(path: str | Path, *, generator: str) -> Iterator[Path]:
    """Yield an empty directory to build in; when the block ends well, it takes the place of ``path``.

    An existing directory is replaced only when it is empty, or when its manifest says that ``generator`` wrote it and
    it holds no file that the manifest does not list. If the block fails or is interrupted, nothing is left.

    Raises `InputError`, before the block runs, for a path that must not be replaced or cannot be written.
    """
    target = Path(path)
    try:
        target = target.resolve()
        _check_replaceable(target, generator)
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        yield work
        files = sorted(str(p.relative_to(work)) for p in work.rglob("*") if p.is_file())
        manifest = {"generator": generator, "files": files}
        (work / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        work.chmod(0o777 & ~_umask())
        _swap(work, target)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _check_replaceable(target: Path, generator: str) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise InputError(f"{str(target)!r} is a file; the output must be a directory")
    found = {str(p.relative_to(target)) for p in target.rglob("*") if not p.is_dir()}
    if not found:
        return
    try:
        manifest = json.loads((target / MANIFEST).read_text(encoding="utf-8"))
        ours = manifest["generator"] == generator
        listed = {*manifest["files"], MANIFEST}
    except (OSError, ValueError, LookupError, TypeError):
        ours, listed = False, set()
    if not ours:
        raise InputError(f"{str(target)!r} holds files and is no {generator}; it will not be overwritten")
    foreign = sorted(found - listed)
    if foreign:
        raise InputError(f"{str(target)!r} also holds {foreign[0]!r}, which is no part of a {generator}; move it away")


def _swap(new: Path, target: Path) -> None:
    """Put ``new`` in the place of ``target``; if that fails, the old directory is put back."""
    if not target.exists():
        new.rename(target)
        return
    old = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        target.rename(old)
        try:
            new.rename(target)
        except BaseException:
            old.rename(target)
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)
