"""Files are written whole or not at all, and what a killed process leaves behind is swept, never what is at work."""

import fcntl
import os
import re
import subprocess
import sys
import threading

import pytest

from microgradnn import files
from microgradnn.files import write_whole

# Says when its file is written but not yet in place, and goes on when told to.
SAVING = """
import os, sys
from microgradnn.files import write_whole
def wait(descriptor):
    print("written", flush=True)
    sys.stdin.readline()
os.fsync = wait
write_whole(sys.argv[1], b"theirs")
"""


@pytest.fixture
def saving():
    """Start a process that is in the middle of writing a file."""
    started = []

    def start(path):
        process = subprocess.Popen(
            [sys.executable, "-c", SAVING, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout.readline() == "written\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def parts(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(".part"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model.safetensors", "weights[1]*.bin", "n" * 255, "é" * 127])
def test_a_killed_save_leaves_a_file_of_its_name_that_the_next_save_of_the_target_removes(saving, tmp_path, name):
    path = tmp_path / name
    write_whole(path, b"good")
    process = saving(path)
    process.kill()
    process.wait()
    (left,) = parts(tmp_path)
    assert re.fullmatch(rf"\.{re.escape(name[:50])}\.{process.pid}\.[0-9a-f]{{8}}\.part", left)
    assert path.read_bytes() == b"good"
    write_whole(tmp_path / "other", b"")
    assert parts(tmp_path) == [left]
    write_whole(path, b"better")
    assert parts(tmp_path) == []
    assert path.read_bytes() == b"better"


def test_the_file_of_a_living_process_is_left_alone(saving, tmp_path):
    path = tmp_path / "model.safetensors"
    process = saving(path)
    at_work = parts(tmp_path)
    write_whole(path, b"ours")
    assert parts(tmp_path) == at_work
    process.communicate("\n")
    assert process.returncode == 0
    assert parts(tmp_path) == []
    assert path.read_bytes() == b"theirs"


def test_threads_save_the_same_target_at_once(tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    together = threading.Barrier(4, timeout=60)
    monkeypatch.setattr(os, "fsync", lambda descriptor: together.wait())  # all are written, none is in place
    failed = []

    def save(content):
        try:
            write_whole(path, content)
        except OSError as error:
            failed.append(error)

    contents = [bytes([place]) * 1000 for place in range(4)]
    threads = [threading.Thread(target=save, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert parts(tmp_path) == []
    assert path.read_bytes() in contents


def test_the_number_of_a_process_may_be_given_again(tmp_path):
    """As in a container, where each start has the same one."""
    (tmp_path / f".w.bin.{os.getpid()}.0123abcd.part").write_bytes(b"left by a namesake")
    write_whole(tmp_path / "w.bin", b"")
    assert parts(tmp_path) == []


def test_files_that_only_look_alike_stay(tmp_path):
    names = [
        ".w.bin.notes.part",
        ".w.bin.12.part",
        ".w.bin.12.0123abcd",
        "w.bin.12.0123abcd.part",
        ".wxbin.1.0123abcd.part",
    ]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    write_whole(tmp_path / "w.bin", b"")
    assert sorted(os.listdir(tmp_path)) == sorted([*names, "w.bin"])


def test_a_file_that_was_swept_before_it_was_locked_is_made_anew(tmp_path, monkeypatch):
    lock, seen = files._lock, []

    def late(file, wait=True):
        if not seen:
            os.unlink(file.name)
        seen.append(file.name)
        lock(file, wait)

    monkeypatch.setattr(files, "_lock", late)
    write_whole(tmp_path / "w.bin", b"whole")
    assert (tmp_path / "w.bin").read_bytes() == b"whole"
    assert len(set(seen)) == 2
    assert parts(tmp_path) == []


def test_without_locks_files_are_written_and_nothing_is_swept(tmp_path, monkeypatch):
    left = tmp_path / ".w.bin.12.0123abcd.part"
    left.write_bytes(b"")

    def unsupported(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    write_whole(tmp_path / "w.bin", b"whole")
    assert (tmp_path / "w.bin").read_bytes() == b"whole"
    assert parts(tmp_path) == [left.name]


def test_a_folder_that_cannot_be_listed_is_written_to(tmp_path, monkeypatch):
    def forbidden(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", forbidden)
    write_whole(tmp_path / "w.bin", b"whole")
    assert (tmp_path / "w.bin").read_bytes() == b"whole"


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_write_that_fails_names_the_target_and_leaves_what_was_there(tmp_path, monkeypatch, function):
    path = tmp_path / "w.bin"
    write_whole(path, b"good")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, function, full)
    with pytest.raises(OSError, match=rf"^cannot write {re.escape(str(path))}: No space left on device$"):
        write_whole(path, b"bad")
    assert path.read_bytes() == b"good"
    assert parts(tmp_path) == []


def test_who_may_read_a_file_stays_as_it_was(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"before")
    path.chmod(0o600)
    write_whole(path, b"after")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"after", 0o600)
