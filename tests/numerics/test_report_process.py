"""A report as a process: what is left on disk and who is left alive when it is ended; who shares its folder."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from derive.errors import InputError
from numerics.files import MANIFEST, directory_atomic, write_atomic
from numerics.processes import WorkerLost, spread

REPORT = [sys.executable, "-c", "from numerics.cli import main; main()", "report", "-o"]
THEIRS = (".rep.Ab12Cd", ".rep.varprop-notes", ".rep.varprop-0123", "rep.txt", ".reps.varprop-0123456789abcdef")
"""Files of other tools beside the report, the first as rsync names them."""

STAGES = ("varprop: deriving and checking theorems\n", "varprop: auditing claims\n")

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")


def children(parent):
    """Return the numbers of the processes below one."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(path.parent.name)] = int(fields[1])
    found, last = set(), {parent}
    while last:
        last = {process for process, above in parents.items() if above in last}
        found |= last
    return found


def alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(condition, seconds=60.0):
    """Wait; fail when it takes too long."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "this did not come about"
        time.sleep(0.05)


@pytest.fixture
def folder(tmp_path):
    """A folder with files of other tools."""
    for name in THEIRS:
        (tmp_path / name).write_text("theirs")
    return tmp_path


def names(folder):
    return sorted(set(os.listdir(folder)) - set(THEIRS))


def running(folder):
    """Start a report, and return it when its workers work, with their numbers."""
    command = [*REPORT, str(folder / "rep")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    report = subprocess.Popen(command, **pipes, text=True, start_new_session=True)
    # Two workers at least, and the tracker of multiprocessing.
    cores = min(os.cpu_count() or 1, 4)
    until(lambda: report.poll() is not None or (len(children(report.pid)) > cores and len(names(folder)) == 1))
    time.sleep(0.5)
    return report, children(report.pid)


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="a report works in one process where there is one processor")
@pytest.mark.parametrize("send", [os.kill, os.killpg])  # to the report alone; to its workers too, as a terminal does
@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGINT, 130, "varprop: interrupted\n"), (signal.SIGTERM, 143, ""), (signal.SIGKILL, -9, None)],
)
def test_a_report_that_is_ended_leaves_nobody_alive_and_nothing_for_the_next(folder, number, code, said, send):
    """An interrupt and a termination clean up; after a kill the next report does. What others left stays."""
    report, workers = running(folder)
    send(report.pid, number)
    output, complaint = report.communicate(timeout=60)
    assert report.returncode == code
    until(lambda: not any(map(alive, workers)))
    if said is None:
        (left,) = names(folder)
        assert left.startswith(".rep.varprop-")
    else:
        lines = [line for line in complaint.splitlines(keepends=True) if line.strip()]
        assert (output, "".join(line for line in lines if line not in STAGES)) == ("", said)
        assert names(folder) == []
    with directory_atomic(folder / "rep", generator="varprop report") as root:
        assert names(folder) == [root.name]
    assert names(folder) == ["rep"]
    assert all((folder / name).read_text() == "theirs" for name in THEIRS)


def test_a_report_that_is_being_written_is_no_leftover(folder):
    """Two at once: neither takes the other's files."""
    with directory_atomic(folder / "rep", generator="g") as one:
        (one / "a").write_text("a")
        with suppress(KeyError), directory_atomic(folder / "rep", generator="g"):
            raise KeyError
        assert (one / "a").read_text() == "a"
    assert sorted(os.listdir(folder / "rep")) == ["a", MANIFEST]


def test_a_report_moved_away_by_a_killed_one_comes_back(folder):
    """Killed between two renames, one report or the other is whole, beside its place."""
    with directory_atomic(folder / "rep", generator="g") as root:
        (root / "old").write_text("old")
    (folder / "rep").rename(folder / ".rep.varprop-0123456789abcdef")
    with pytest.raises(KeyError), directory_atomic(folder / "rep", generator="g"):
        raise KeyError
    assert names(folder) == ["rep"]
    assert (folder / "rep" / "old").read_text() == "old"


def test_a_file_left_by_a_killed_process_goes(folder):
    """Of the same target only."""
    for target in ("proof.txt", "other.txt"):
        (folder / f".{target}.varprop-0123456789abcdef").write_text("half")
    write_atomic(folder / "proof.txt", "whole")
    assert names(folder) == [".other.txt.varprop-0123456789abcdef", "proof.txt"]


@pytest.mark.parametrize("mask", [0o077, 0o027, 0o002])
def test_the_umask_is_kept(tmp_path, mask):
    """Of files, directories, and the files within."""
    before = os.umask(mask)
    try:
        write_atomic(tmp_path / "file", "x")
        with directory_atomic(tmp_path / "rep", generator="g") as root:
            (root / "inside").write_text("x")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert modes == {"file": 0o666 & ~mask, "rep": 0o777 & ~mask, "inside": 0o666 & ~mask, MANIFEST: 0o666 & ~mask}


def test_another_tools_file_within_a_report_is_kept(tmp_path):
    """However deep it is, and be it a link: the report is refused, at once."""
    for name in ("notes.txt", "curves/notes.txt"):
        with directory_atomic(tmp_path / "rep", generator="g") as root:
            (root / "curves").mkdir()
            (root / "curves" / "a.csv").write_text("a")
        (tmp_path / "rep" / name).symlink_to("/nowhere")
        with pytest.raises(InputError, match=f"also holds '{name}'"), directory_atomic(tmp_path / "rep", generator="g"):
            pytest.fail("it must not begin")
        (tmp_path / "rep" / name).unlink()


# Workers.


def test_a_worker_that_is_killed_is_an_error_that_says_so():
    """As when memory runs out; nobody waits for ever."""
    with pytest.raises(WorkerLost, match=r"a worker ended before it was done.*workers=1"):
        spread(os._exit, [3, 4], workers=2)


def test_what_a_worker_raises_is_raised_here():
    with pytest.raises(ValueError, match="invalid literal"):
        spread(int, ["1", "x", "2"], workers=2)


SCRIPT = """
from numerics.processes import spread
print("once", flush=True)
print(spread(abs, [-1, -2, -3], workers=2))
"""


def test_a_script_without_a_guard_runs_once(tmp_path):
    """Its processes do not import it again."""
    (tmp_path / "script.py").write_text(SCRIPT)
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")],
        env=os.environ | {"PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "once\n[1, 2, 3]\n", "")
