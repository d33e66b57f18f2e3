"""Which files in a folder count as deliveries, and reading the bytes of one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.connectors.folder import DeliveryError, find_deliveries, read_bytes
from pipelines.declarations.source import FolderConnector
from pipelines.settings import SetupError


def declared(pattern: str, folder: str = ".") -> FolderConnector:
    return FolderConnector(kind="folder", folder=folder, pattern=pattern)


def lay(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def test_deliveries_come_sorted_and_only_those_of_the_pattern(tmp_path: Path) -> None:
    lay(tmp_path, "gemeente/begroting-2020.csv", "gemeente/begroting-2019.csv", "gemeente/klachten.csv")
    found = find_deliveries(tmp_path, declared("begroting-*.csv", "gemeente"))
    assert found == [tmp_path / "gemeente/begroting-2019.csv", tmp_path / "gemeente/begroting-2020.csv"]


def test_hidden_temporary_and_lock_files_do_not_count(tmp_path: Path) -> None:
    unfinished = [
        ".a.csv",
        "~$a.csv",
        ".~lock.a.csv#",
        "a.csv~",
        "a.csv.part",
        "a.csv.crdownload",
        "A.CSV.TMP",
    ]
    lay(tmp_path, "a.csv", *unfinished, ".hidden/b.csv")
    assert find_deliveries(tmp_path, declared("**/*")) == [tmp_path / "a.csv"]


def test_folders_and_pipes_are_no_deliveries(tmp_path: Path) -> None:
    (tmp_path / "map.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    assert find_deliveries(tmp_path, declared("*.csv")) == []


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    lay(tmp_path, "outside/secret.csv", "root/real.csv")
    root = tmp_path / "root"
    (root / "link.csv").symlink_to(tmp_path / "outside/secret.csv")
    (root / "folder").symlink_to(tmp_path / "outside", target_is_directory=True)
    (root / "dangling.csv").symlink_to(root / "nothing")
    assert find_deliveries(root, declared("*.csv")) == [root / "real.csv"]
    assert find_deliveries(root, declared("*.csv", "folder")) == []


def test_a_root_that_is_itself_a_link_is_fine(tmp_path: Path) -> None:
    lay(tmp_path, "real/a.csv")
    (tmp_path / "root").symlink_to(tmp_path / "real", target_is_directory=True)
    assert find_deliveries(tmp_path / "root", declared("*.csv")) == [tmp_path / "root" / "a.csv"]


def test_no_folder_means_no_deliveries(tmp_path: Path) -> None:
    assert find_deliveries(tmp_path / "nowhere", declared("*.csv")) == []


@pytest.mark.parametrize(
    ("pattern", "folder"), [("../*.csv", "."), ("*.csv", "../x"), ("*.csv", "/etc"), ("a/../../b", ".")]
)
def test_a_declaration_that_leads_out_of_the_folder_is_a_setup_error(tmp_path: Path, pattern: str, folder: str) -> None:
    with pytest.raises(SetupError, match="below the deliveries folder"):
        find_deliveries(tmp_path, declared(pattern, folder))


def test_the_bytes_are_read_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xff\xfea\r\n\x00")
    assert read_bytes(path) == b"\xff\xfea\r\n\x00"
    assert read_bytes(path, max_bytes=6) == b"\xff\xfea\r\n\x00"


def test_a_file_over_the_limit_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"1234567")
    with pytest.raises(DeliveryError, match=r"a\.csv: found 7 bytes, expected at most 6"):
        read_bytes(path, max_bytes=6)


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DeliveryError, match="no regular file"):
        read_bytes(tmp_path / "pipe.csv")


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"first half")
    states = iter([path.stat()])
    with path.open("ab") as writer:
        writer.write(b", second half")
    real = os.fstat
    monkeypatch.setattr(os, "fstat", lambda descriptor: next(states, None) or real(descriptor))
    with pytest.raises(DeliveryError, match="still being written"):
        read_bytes(path)
