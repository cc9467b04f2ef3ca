"""Pair lists as people have them, what is wrong with them, and pairs drawn from a roster."""

from contextlib import suppress
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import KFold

from bareface.errors import RosterError, UsageError
from bareface.faces.drawn_pairs import _pair_number, draw_pairs
from bareface.faces.pairs import PairList, consecutive_pairs, read_pairs, write_pairs
from bareface.rosters.roster import Roster

LFW = "2\t2\nAda\t1\t2\nAda\t3\t10\nAda\t1\tBo\t1\nCy\t2\tBo\t1\nDi\t1\t2\nDi\t1\t3\nDi\t1\tEd\t4\nEd\t4\tFe\t1\n"


def named(pairs: PairList) -> list[tuple[str, str, bool, int]]:
    first, second = ([pairs.image[row] for row in side] for side in (pairs.first, pairs.second))
    return list(zip(first, second, pairs.same.tolist(), pairs.fold.tolist(), strict=True))


def lfw(tmp_path: Path, text: str = LFW, suffix: str = ".jpg") -> Path:
    (tmp_path / "Ada").mkdir(exist_ok=True)
    (tmp_path / "Ada" / f"Ada_0001{suffix}").touch()
    (tmp_path / "pairs.txt").write_text(text)
    return tmp_path / "pairs.txt"


class TestLists:
    """What files say."""

    def test_the_list_of_lfw(self, tmp_path: Path) -> None:
        pairs = read_pairs(lfw(tmp_path), tmp_path)
        assert named(pairs) == [
            ("Ada/Ada_0001.jpg", "Ada/Ada_0002.jpg", True, 0),
            ("Ada/Ada_0003.jpg", "Ada/Ada_0010.jpg", True, 0),
            ("Ada/Ada_0001.jpg", "Bo/Bo_0001.jpg", False, 0),
            ("Cy/Cy_0002.jpg", "Bo/Bo_0001.jpg", False, 0),
            ("Di/Di_0001.jpg", "Di/Di_0002.jpg", True, 1),
            ("Di/Di_0001.jpg", "Di/Di_0003.jpg", True, 1),
            ("Di/Di_0001.jpg", "Ed/Ed_0004.jpg", False, 1),
            ("Ed/Ed_0004.jpg", "Fe/Fe_0001.jpg", False, 1),
        ]
        assert len(pairs.image) == 11
        assert pairs.in_several_folds == 0

    def test_images_may_have_another_suffix(self, tmp_path: Path) -> None:
        assert read_pairs(lfw(tmp_path, suffix=".png"), tmp_path).image[0] == "Ada/Ada_0001.png"

    def test_every_image_may_have_another_suffix_in_any_case(self, tmp_path: Path) -> None:
        path = lfw(tmp_path, suffix=".JPG")
        (tmp_path / "Ada" / "Ada_0002.PnG").touch()
        assert read_pairs(path, tmp_path).image[:2] == ("Ada/Ada_0001.JPG", "Ada/Ada_0002.PnG")

    def test_lines_of_two_paths_and_a_truth_value(self, tmp_path: Path) -> None:
        (tmp_path / "pairs.txt").write_text(
            "a/1.jpg a/2.jpg 1\na/1.jpg b/1.jpg 0\nc/1.jpg c/2.jpg 1\nc/1.jpg b/1.jpg -1\n"
        )
        pairs = read_pairs(tmp_path / "pairs.txt", tmp_path, folds=2)
        assert named(pairs) == [
            ("a/1.jpg", "a/2.jpg", True, 0),
            ("a/1.jpg", "b/1.jpg", False, 0),
            ("c/1.jpg", "c/2.jpg", True, 1),
            ("c/1.jpg", "b/1.jpg", False, 1),
        ]

    @pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt", ".TSV"])
    @pytest.mark.parametrize("sign", [",", " , ", ";", "\t", " \t "])
    @pytest.mark.parametrize("header", [None, ("first", "second", "same"), ("Second", "FIRST", "Same")])
    def test_what_separates_and_heads_the_cells_makes_no_difference(
        self, tmp_path: Path, suffix: str, sign: str, header: tuple[str, ...] | None
    ) -> None:
        rows = [
            ("a 1.png", "a2.png", "1"),
            ("a 1.png", "b.png", "-1"),
            ("c.png", "c2.png", "True"),
            ("b.png", "c.png", "0"),
        ]
        lines = [header, *rows] if header else rows
        path = tmp_path / f"pairs{suffix}"
        path.write_text("".join(f"{sign.join(line)}\n" for line in lines))
        turned = header is not None and header[0] == "Second"
        expected = [(second, first) if turned else (first, second) for first, second, _ in rows]
        pairs = read_pairs(path, tmp_path, folds=2)
        assert [pair[:2] for pair in named(pairs)] == expected
        assert pairs.same.tolist() == [True, False, True, False]

    def test_two_columns_of_one_name_in_another_case_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "p.csv").write_text("first,second,same,Same\na,b,1,0\n")
        with pytest.raises(RosterError, match="same"):
            read_pairs(tmp_path / "p.csv", tmp_path)

    @pytest.mark.parametrize("line", ["a/1.jpg a/2.jpg", "a/1.jpg a/2.jpg maybe", "../a a/2.jpg 1", "/etc/x a/2.jpg 1"])
    def test_a_line_of_something_else(self, tmp_path: Path, line: str) -> None:
        (tmp_path / "pairs.txt").write_text(f"a/1.jpg a/2.jpg 1\n{line}\n")
        with pytest.raises(RosterError, match="line 2: got"):
            read_pairs(tmp_path / "pairs.txt", tmp_path, folds=2)

    def test_the_development_list_of_lfw_has_no_folds(self, tmp_path: Path) -> None:
        text = "4\n" + "".join(f"Ada 1 {n}\n" for n in range(2, 6)) + "".join(f"Ada 1 Bo {n}\n" for n in range(4))
        assert read_pairs(lfw(tmp_path, text), tmp_path, folds=2).fold.tolist() == [0, 0, 1, 1, 0, 0, 1, 1]

    def test_a_table(self, tmp_path: Path) -> None:
        (tmp_path / "p.csv").write_text(
            "second,note,first,same,fold\nb.png,x,a.png,yes,3\nc.png,,a.png,FALSE,3\nd.png,,c.png,1,7\n"
        )
        pairs = read_pairs(tmp_path / "p.csv", tmp_path)
        assert named(pairs) == [
            ("a.png", "b.png", True, 0),
            ("a.png", "c.png", False, 0),
            ("c.png", "d.png", True, 1),
        ]
        assert pairs.in_several_folds == 1

    def test_a_table_without_folds_is_cut_into_stretches_of_each_kind(self, tmp_path: Path) -> None:
        rows = [f"a{n}.png,b{n}.png,{int(n < 5)}" for n in range(9)]
        (tmp_path / "p.csv").write_text("\n".join(["first,second,same", *rows]))
        assert read_pairs(tmp_path / "p.csv", tmp_path, folds=2).fold.tolist() == [0, 0, 0, 1, 1, 0, 0, 1, 1]

    def test_what_was_written_is_read_again(self, tmp_path: Path) -> None:
        pairs = read_pairs(lfw(tmp_path), tmp_path)
        write_pairs(pairs, tmp_path / "again.csv")
        assert named(read_pairs(tmp_path / "again.csv", tmp_path)) == named(pairs)

    @given(count=st.integers(2, 60), folds=st.integers(2, 12))
    def test_packs_are_cut_as_scikit_learn_cuts(self, count: int, folds: int) -> None:
        same = np.arange(count) % 2 == 0
        if folds > count:
            with pytest.raises(UsageError, match=r"folds for .* pairs; expected at least two, and a pair in each"):
                consecutive_pairs(same, folds=folds)
            return
        pairs = consecutive_pairs(same, folds=folds)
        parts = [rows for _, rows in KFold(folds).split(same)]
        assert [np.flatnonzero(pairs.fold == fold).tolist() for fold in range(folds)] == [p.tolist() for p in parts]
        assert (pairs.second - pairs.first == 1).all()
        assert (pairs.first % 2 == 0).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "got an empty file"),
        ("Ada 1 2\n", "line 1: got Ada 1 2; expected numbers of folds and of pairs in each"),
        ("99999999999 1\n", "line 1: got 99999999999 1"),
        ("1 1\nAda 1 2\n", "got 1 pairs; expected 2, as its first line says"),
        ("1\n", "got 0 pairs; expected 2"),
        ("1 1\nAda 1 2\nAda 1\n", "line 3: got 'Ada 1'; expected name, number, number or name, number, name, number"),
        ("1 1\nAda 1 two\nAda 1 Bo 1\n", "line 2: got 'Ada 1 two'"),
        ("1 1\n../Ada 1 2\nAda 1 Bo 1\n", "line 2: got image .*; expected a path inside the folder of images"),
        ("1 1\nBo 1 2\nAda 1 Bo 1\n", r"got no image Bo/Bo_0001; expected one of .*\.jpg.* Try: --images"),
    ],
)
def test_what_is_wrong_with_a_list_is_said(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RosterError, match=message):
        read_pairs(lfw(tmp_path, text), tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("first,second\na,b\n", "got the columns first, second; expected a column same"),
        ("first,second,same\na,b,maybe\n", "line 2: got same 'maybe'; expected 1 or 0, true or false, yes or no"),
        ("first,second,same,fold\na,b,1,x\n", "line 2: got fold 'x'; expected a number from 0 on"),
        ("first,second,same\na,/b,1\n", "line 2: got image '/b'; expected a path inside the folder of images"),
        ("first,second,same\n", "got no rows"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(RosterError, match=message):
        read_pairs(tmp_path / "p.csv", tmp_path)


def test_a_missing_or_binary_list_is_said(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match="got no such file; expected a list of pairs"):
        read_pairs(tmp_path / "pairs.txt", tmp_path)
    (tmp_path / "pairs.txt").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(RosterError, match="a file that is no text"):
        read_pairs(tmp_path / "pairs.txt", tmp_path)


@settings(max_examples=200)
@given(text=st.text(alphabet="0123456789 \nAda/.²٣,\t", max_size=60), table=st.booleans())
def test_whatever_a_list_says_only_our_errors_come_out(
    tmp_path_factory: pytest.TempPathFactory, text: str, table: bool
) -> None:
    folder = tmp_path_factory.getbasetemp()
    path = folder / ("fuzz.csv" if table else "fuzz.txt")
    path.write_text("first,second,same,fold\n" + text if table else text, encoding="utf-8")
    with suppress(RosterError, UsageError):
        read_pairs(path, folder)


def roster(photos: list[int]) -> Roster:
    subject = np.repeat([f"p{n}" for n in range(len(photos))], photos)
    return Roster(Path("faces"), tuple(f"{n}.png" for n in range(len(subject))), subject, np.full(len(subject), "x"))


class TestDrawing:
    """Pairs drawn from a roster."""

    @settings(max_examples=60)
    @given(
        photos=st.lists(st.integers(1, 6), min_size=4, max_size=40),
        folds=st.integers(2, 4),
        same=st.integers(4, 60),
        different=st.integers(4, 60),
        seed=st.integers(0, 99),
    )
    def test_pairs_are_what_they_say(self, photos: list[int], folds: int, same: int, different: int, seed: int) -> None:
        people = roster(photos)
        if len(photos) < 2 * folds or max(photos) == 1:
            with pytest.raises(RosterError, match=r"people, .* of them with two images or more"):
                draw_pairs(people, seed, same=same, different=different, folds=folds)
            return
        pairs = draw_pairs(people, seed, same=same, different=different, folds=folds)
        who = dict(zip(people.image, people.subject.tolist(), strict=True))
        subjects = np.array([[who[pairs.image[row]] for row in pair] for pair in zip(pairs.first, pairs.second)])  # noqa: B905
        assert ((subjects[:, 0] == subjects[:, 1]) == pairs.same).all()
        both = np.sort(np.stack([pairs.first, pairs.second], axis=1), axis=1)
        assert len(np.unique(both, axis=0)) == len(both)
        assert (both[:, 0] != both[:, 1]).all()
        folds_of = {person: set(pairs.fold[(subjects == person).any(axis=1)]) for person in np.unique(subjects)}
        assert all(len(found) == 1 for found in folds_of.values())
        assert pairs.same.sum() <= same
        assert (~pairs.same).sum() <= different

    def test_every_person_gives_a_pair_before_anybody_gives_two(self) -> None:
        people = roster([40, *[3] * 19])
        pairs = draw_pairs(people, 1, same=20, different=10, folds=2)
        chosen = people.subject[[int(pairs.image[row].removesuffix(".png")) for row in pairs.first[pairs.same]]]
        assert sorted(chosen.tolist()) == sorted(set(people.subject.tolist()))

    def test_the_seed_decides(self) -> None:
        people = roster([4] * 30)
        one, again, other = (draw_pairs(people, seed, same=50, different=50, folds=5) for seed in (1, 1, 2))
        assert named(one) == named(again)
        assert named(one) != named(other)

    def test_shares_add_up(self) -> None:
        pairs = draw_pairs(roster([9] * 40), 1, same=101, different=99, folds=10)
        assert (int(pairs.same.sum()), int((~pairs.same).sum())) == (101, 99)
        assert np.bincount(pairs.fold).tolist() == [21, *[20] * 8, 19]

    def test_too_few_folds_are_refused(self) -> None:
        with pytest.raises(UsageError, match="got 1 folds for 5 pairs of a kind"):
            draw_pairs(roster([4] * 30), 1, same=5, different=5, folds=1)

    def test_numbers_of_pairs_are_the_order_of_a_triangle(self) -> None:
        expected = sorted(combinations(range(60), 2), key=lambda pair: (pair[1], pair[0]))
        assert _pair_number(np.arange(len(expected))).tolist() == [list(pair) for pair in expected]
