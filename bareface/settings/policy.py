"""What a gate asks of a finished audit: rules on which it fails, and how small a leak the audit must have seen.

A rule is a word or a comparison: `leak`, `person.leak`, `auc > .7`, `dataset.tpr@fpr=.01 > .05`. What stands before
the metric, with points between, restricts it to a game, to a prior knowledge, or to both.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator

from bareface.errors import UsageError, meant
from bareface.settings.closed import Closed, checked
from bareface.settings.yaml_file import read_mapping
from bareface.untrusted.shown import gist
from bareface.vocabulary import GAMES, KNOWLEDGE, NOMINAL_FPRS, Game, Knowledge

Metric = Literal["auc", "tpr", "leak"]
Comparison = Literal[">", ">="]
LONGEST = 200
"""Characters of a rule; nothing that a rule can say is longer."""

_WORDS: tuple[str, ...] = (*get_args(Metric), *GAMES, *KNOWLEDGE)
_FORM = "[game.][knowledge.]leak, auc > number or tpr@fpr=rate > number"
_HINT = "one of leak, person.auc > .7, tpr@fpr=.01 > .05"
_PARTS = re.compile(
    r"(?P<subject>[^@<>=!\s]*)\s*(?:@(?P<at>[^<>!]*?))?\s*(?:(?P<sign>[<>!][<>=]*)(?P<limit>.*))?", re.DOTALL
)
_NUMBER = re.compile(r"(?P<digits>\d+\.?\d*(?:e-?\d+)?|\.\d+(?:e-?\d+)?)\s*(?P<percent>%?)", re.ASCII)


@dataclass(frozen=True)
class Rule:
    """One condition under which a gate fails.

    Attributes:
        metric: `leak`: the verdict is LEAK SHOWN; `auc`; `tpr`: the true positive rate at `fpr`.
        game, knowledge: to what it is restricted; None = everything that was asked.
        fpr: for `tpr`, one of the rates that an audit counts.
        comparison, limit: for `auc` and `tpr`; the limit lies in [0, 1].
    """

    metric: Metric
    game: Game | None = None
    knowledge: Knowledge | None = None
    fpr: float | None = None
    comparison: Comparison = ">"
    limit: float = 0.0

    def __str__(self) -> str:
        """The rule as it is written; parsing it gives the same rule."""
        where = "".join(f"{word}." for word in (self.game, self.knowledge) if word)
        if self.metric == "leak":
            return f"{where}leak"
        rate = f"@fpr={_plain(self.fpr)}" if self.fpr is not None else ""
        return f"{where}{self.metric}{rate} {self.comparison} {_plain(self.limit)}"


def parse_rule(text: str) -> Rule:
    """The rule that a text states; shares may be written as `.05` or `5 %`.

    Raises:
        UsageError: the text states none; the message says which word or number is off.
    """
    found = _PARTS.fullmatch(text.strip().lower()) if len(text) <= LONGEST else None
    if found is None or not found["subject"]:
        raise _off(text, got=gist(text), expected=_FORM, hint=_HINT)
    *where, last = found["subject"].split(".")
    metric: Any = _word(text, last, get_args(Metric), "a metric")
    game, knowledge = _restriction(text, where)
    fpr = _rate(text, metric, found["at"])
    if metric == "leak":
        if found["sign"]:
            raise _off(text, got=f"{found['sign']} after leak", expected="nothing: a leak is shown or it is not")
        return Rule("leak", game, knowledge)
    return Rule(metric, game, knowledge, fpr, _comparison(text, metric, found["sign"]), _share(text, found["limit"]))


def _off(text: str, *, got: str, expected: str, hint: str = "") -> UsageError:
    return UsageError(f"rule {gist(text)}", got=got, expected=expected, hint=hint)


def _word(text: str, word: str, known: Sequence[str], what: str) -> str:
    if word in known:
        return word
    raise _off(text, got=gist(word), expected=f"{what}: {', '.join(known)}", hint=meant(word, known))


def _restriction(text: str, where: Iterable[str]) -> tuple[Game | None, Knowledge | None]:
    """The game and the knowledge among the words before the metric, each at most once."""
    game: Any = None
    knowledge: Any = None
    for word in where:
        _word(text, word, (*GAMES, *KNOWLEDGE), "a game or a knowledge")
        if (game if word in GAMES else knowledge) is not None:
            kind = "game" if word in GAMES else "knowledge"
            raise _off(text, got=f"a second {kind}, {word}", expected=f"at most one {kind}", hint="a rule for each")
        game, knowledge = (word, knowledge) if word in GAMES else (game, word)
    return game, knowledge


def _rate(text: str, metric: str, at: str | None) -> float | None:
    """The false positive rate behind the `@` of `tpr@fpr=.01`."""
    counted = ", ".join(map(_plain, NOMINAL_FPRS))
    if metric != "tpr":
        if at is not None:
            raise _off(text, got=f"@ after {metric}", expected="a false positive rate behind tpr only")
        return None
    name, _, number = (at or "").partition("=")
    if name.strip() != "fpr":
        raise _off(text, got="tpr without its rate", expected="tpr@fpr=rate", hint=f"a rate among {counted}")
    rate = _share(text, number)
    for nominal in NOMINAL_FPRS:
        if math.isclose(rate, nominal):
            return nominal
    raise _off(text, got=f"a false positive rate of {_plain(rate)}", expected=f"one that is counted: {counted}")


def _comparison(text: str, metric: str, sign: str | None) -> Comparison:
    if sign is None:
        raise _off(text, got=f"{metric} alone", expected="> and a number", hint=f"{metric} > .7")
    if sign == ">":
        return ">"
    if sign == ">=":
        return ">="
    raise _off(text, got=gist(sign), expected="> or >=: a gate fails where more leaks than that")


def _share(text: str, number: str) -> float:
    found = _NUMBER.fullmatch(number.strip())
    value = float(found["digits"]) / (100 if found["percent"] else 1) if found else math.nan
    if not 0 <= value <= 1:
        raise _off(text, got=gist(number.strip()), expected="a number between 0 and 1, or a percentage")
    return value


def _plain(number: float | None) -> str:
    """The shortest way to write a share that reads back the same: `.05`."""
    text = repr(float(number or 0.0)).removesuffix(".0")
    return text.removeprefix("0") if text.startswith("0.") else text


def _as_rule(value: Any) -> Rule:
    if isinstance(value, Rule):
        return value
    if not isinstance(value, str):
        raise ValueError("a rule as text, as in tpr@fpr=.01 > .05")
    return parse_rule(value)


AnyRule = Annotated[Rule, PlainValidator(_as_rule, json_schema_input_type=str), PlainSerializer(str)]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str | Rule) else value


class Policy(Closed):
    """What a gate asks.

    Attributes:
        fail_if: rules; the gate fails where one of them holds.
        require_visible: the smallest AUC that every attack must have been able to show with 80 % power, or have shown;
            None = whatever it was.
    """

    fail_if: Annotated[tuple[AnyRule, ...], BeforeValidator(_listed)] = ()
    require_visible: Annotated[float, Field(gt=0.5, le=1)] | None = None


def read_policy(path: Path) -> Policy:
    """The policy in a YAML file.

    Raises:
        UsageError: there is no such file, it is no mapping, or a key, a rule or a number is off.
    """
    return checked(Policy, read_mapping(path), str(path))


def policy_of(path: Path | None, rules: Sequence[str], require_visible: float | None, where: str) -> Policy:
    """The policy in a file, with the rules of a command line added and its number put in place of the file's.

    Raises:
        UsageError: as `read_policy`.
    """
    read = Policy() if path is None else read_policy(path)
    visible = read.require_visible if require_visible is None else require_visible
    asked = {"fail_if": [*read.fail_if, *rules], "require_visible": visible}
    return checked(Policy, asked, where)
