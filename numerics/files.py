"""Writing files and directories so that nothing half-written is ever seen: build beside, then rename."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
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
        _clean_up(target)
        # What replaces a file that others may not read is not readable before it has that file's mode either.
        with _beside(target, lambda work: work.touch(0o666 if mode is None else 0o600, exist_ok=False)) as work:
            work.write_bytes(data)
            if mode is not None:
                work.chmod(stat.S_IMODE(mode))
            work.replace(target)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: str | Path, error: OSError) -> InputError:
    """Return the error for an output that cannot be written."""
    return InputError(f"cannot write {str(path)!r}: {(error.strerror or str(error)).lower()}")


@contextmanager
def directory_atomic(path: str | Path, *, generator: str) -> Iterator[Path]:
    """Yield an empty directory to build in; when the block ends well, it takes the place of ``path``.

    An existing directory is replaced only when it is empty, or when its manifest says that ``generator`` wrote it and
    it holds no file that the manifest does not list. If the block fails or is interrupted, nothing is left; what a
    process that was killed left there is removed by the next, which puts an older directory back if it was moved away.

    Raises `InputError`, before the block runs, for a path that must not be replaced or cannot be written.
    """
    target = Path(path)
    with ExitStack() as stack:
        try:
            target = target.resolve()
            _clean_up(target)
            _check_replaceable(target, generator)
            target.parent.mkdir(parents=True, exist_ok=True)
            work = stack.enter_context(_beside(target, Path.mkdir))
        except OSError as error:
            raise cannot_write(path, error) from error
        try:
            yield work
            files = sorted(str(p.relative_to(work)) for p in work.rglob("*") if p.is_file())
            manifest = {"generator": generator, "files": files}
            (work / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
            _swap(work, target)
        except OSError as error:
            raise cannot_write(path, error) from error


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
    with _beside(target, Path.mkdir) as old, _locked(target):
        try:
            target.rename(old)
            new.rename(target)
        except BaseException:
            if not target.exists():
                old.rename(target)
            raise


# What is being written stands beside its target under a name that no other tool gives, and is locked while its process
# lives: a lock ends with its process, wherever that runs, and no number of a process is taken for another's.


@contextmanager
def _beside(target: Path, make: Callable[[Path], None]) -> Iterator[Path]:
    """Yield a new file or directory beside the target; what is left of it at the end is removed."""
    while True:
        work = target.with_name(f"{_prefix(target)}{secrets.token_hex(8)}")
        make(work)
        try:
            with _locked(work):
                # Another process may have taken it for a leftover before it was locked.
                if work.exists():
                    yield work
                    return
        finally:
            _remove(work)


def _prefix(target: Path) -> str:
    return f".{target.name}.varprop-"


def _clean_up(target: Path) -> None:
    """Remove what killed processes left beside the target; a whole directory takes its place, if that is empty."""
    named = re.compile(re.escape(_prefix(target)) + "[0-9a-f]{16}")
    left: list[Path] = []
    with suppress(OSError):
        left = [path for path in target.parent.iterdir() if named.fullmatch(path.name) and not path.is_symlink()]
    for path in left:
        with _locked(path) as ours:
            if ours and (path / MANIFEST).is_file() and not target.exists():
                path.rename(target)
            elif ours:
                _remove(path)


def _remove(path: Path) -> None:
    # Moved into its place, it is there no more.
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Hold a lock; yields whether it is held: not where another process holds it, and where there are no locks."""
    if sys.platform == "win32":
        yield False
        return
    import fcntl

    with ExitStack() as stack:
        try:
            handle = os.open(path, os.O_RDONLY)
            stack.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = True
        except OSError:
            held = False
        yield held
