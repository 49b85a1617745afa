"""Which files a pattern means, and what they are called within a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from runcast.errors import UsageError
from runcast.folder import Folder
from runcast.ports import wandb_file
from runcast.saving import Saved, check_policy, find
from runcast.settings import Settings


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("one.txt", "a/two.txt", "a/b/three.txt"):
        (tmp_path / name).write_text(name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("one.txt", ["one.txt"]),
        ("*.txt", ["one.txt"]),
        ("a", ["a/b/three.txt", "a/two.txt"]),
        ("**/*.txt", ["a/b/three.txt", "a/two.txt", "one.txt"]),
        (b"a/*.txt", ["a/two.txt"]),
        (Path("a/b"), ["a/b/three.txt"]),
        ("none", []),
        ("s3://bucket/x", []),
    ],
)
def test_names_are_paths_below_the_working_directory(pattern: str, names: list[str], tmp_path: Path) -> None:
    assert find(pattern, None) == [Saved(name, tmp_path / name) for name in names]


def test_an_absolute_path_is_named_with_its_folder_or_below_the_base(tmp_path: Path) -> None:
    three = str(tmp_path / "a/b/three.txt")
    assert [each.name for each in find(three, None)] == ["b/three.txt"]
    assert [each.name for each in find(three, tmp_path)] == ["a/b/three.txt"]
    assert [each.name for each in find(three, "a")] == ["b/three.txt"]
    with pytest.raises(UsageError, match="is not below base_path"):
        find(str(tmp_path / "one.txt"), tmp_path / "a")


def test_no_name_leads_out_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path / "a")
    assert [each.name for each in find("../one.txt", None)] == ["one.txt"]
    with pytest.raises(UsageError):
        find("../one.txt", tmp_path / "a")


def test_there_are_three_policies() -> None:
    assert check_policy("now") == "now"
    with pytest.raises(ValueError, match="policies are currently supported"):
        check_policy("often")


def test_a_file_is_kept_when_it_is_saved_and_again_when_it_changed(tmp_path: Path) -> None:
    kept: list[tuple[str, str]] = []
    folder = Folder(Settings(directory=tmp_path / "home"), "r", 0.0)

    def keep(name: str, path: Path) -> None:
        kept.append((name, path.read_text()))

    for name, policy in (("one.txt", "live"), ("a/two.txt", "end"), ("a/b/three.txt", "now")):
        [saved] = find(name, None)
        folder.take(saved, policy, keep)
    assert kept == [("one.txt", "one.txt"), ("a/b/three.txt", "a/b/three.txt")]
    (tmp_path / "one.txt").write_text("changed")
    (tmp_path / "a/b/three.txt").write_text("changed too")
    (folder.files() / "own.txt").write_text("own")
    folder.end(keep)
    assert sorted(kept[2:]) == [("a/two.txt", "a/two.txt"), ("one.txt", "changed"), ("own.txt", "own")]


def test_a_folder_nobody_asked_for_is_not_made_and_an_empty_one_goes(tmp_path: Path) -> None:
    folder = Folder(Settings(directory=tmp_path / "home", root=tmp_path / "root"), "r", 0.0)
    folder.end(print)
    assert not (tmp_path / "root").exists()
    files = folder.files()
    assert files.parent.parent == tmp_path / "root" / "wandb"
    assert (files.parent.parent / "latest-run").resolve() == files.parent
    folder.end(print)
    assert not files.parent.exists()


def test_the_id_of_a_run_is_left_where_a_folder_was_given(tmp_path: Path) -> None:
    """Ultralytics resumes by the newest of these files."""
    given = Folder(Settings(directory=tmp_path / "home", root=tmp_path / "root"), "r", 0.0)
    given.mark()
    given.end(print)
    [marked] = (tmp_path / "root" / "wandb").glob("*run-*/run-*.wandb")
    assert marked.stem[4:] == "r"
    assert wandb_file.find(tmp_path / "root") == []
    for settings in (
        Settings(directory=tmp_path / "other"),
        Settings(directory=tmp_path / "other", root=tmp_path / "other", mode="disabled"),
    ):
        Folder(settings, "r", 0.0).mark()
    assert not (tmp_path / "other").exists()
