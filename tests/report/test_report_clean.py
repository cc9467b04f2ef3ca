"""Text from outside: nothing hidden, no folders."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bareface.report.clean import cleaned, visible, without_any_folders, without_folders


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/ann/faces/x.jpg", "…/x.jpg"),
        ("read ~/faces/x.jpg twice", "read …/x.jpg twice"),
        ("--out=/srv/a/b/", "--out=…/b"),
        ("file:///home/ann/x.jpg", "…/x.jpg"),
        (r"C:\Users\ann\x.jpg", "…/x.jpg"),
        ("'/home/ann lee/my faces/x y.jpg' is empty", "'…/x y.jpg' is empty"),
        ("../ann/x.jpg", "…/x.jpg"),
        ("JPEG/PNG, 3 / 4, and/or", "JPEG/PNG, 3 / 4, and/or"),
        ("https://arxiv.org/abs/2401.13719", "https://arxiv.org/abs/2401.13719"),
        ("</script><script>", "</script><script>"),
    ],
)
def test_rooted_paths_lose_their_folders(text: str, expected: str) -> None:
    assert without_folders(text) == expected


def test_a_command_loses_relative_folders_too() -> None:
    command = "bareface audit nets/r18.pt --members data/ann/m --outside '/home/an na/out side' --seed 7"
    expected = "bareface audit …/r18.pt --members …/m --outside '…/out side' --seed 7"
    assert without_any_folders(command) == expected
    assert without_any_folders(expected) == expected


def test_control_and_direction_characters_are_spelled_out() -> None:
    assert visible("a\x1b[31m\u202eb\tc\nd") == "a⟨U+001B⟩[31m⟨U+202E⟩b c\nd"
    assert visible("می\u200cخواهم") == "می\u200cخواهم"


@given(st.text())
def test_visible_text_stays_as_it_is(text: str) -> None:
    assert visible(visible(text)) == visible(text)


def test_every_field_is_cleaned(samples: Any) -> None:
    dirty = samples.with_texts(samples.full, lambda _: "see /home/anneliese/x.jpg\x07")
    record = cleaned(dirty).model_dump_json()
    assert "anneliese" not in record
    assert "\\u0007" not in record
    assert "…/x.jpg" in record


def test_files_of_one_name_stay_apart(samples: Any) -> None:
    provenance = samples.full.provenance.model_copy(update={"files": {"/a/x": "1", "/b/x": "2"}})
    files = cleaned(samples.full.model_copy(update={"provenance": provenance})).provenance.files
    assert list(files.values()) == ["1", "2"]
