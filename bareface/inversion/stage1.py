"""Stage 1's attacks as stage 2 sees them: the same features and the same attack models, of images that are moved."""

import torch
from torch import Tensor

from bareface.errors import Abstained, UsageError
from bareface.inversion.answers import DIFFERENTIABLE, Answers
from bareface.membership import attacks
from bareface.membership.base import Attack, FeatureAttack, check_channels
from bareface.membership.engine.attack_model import AttackModel

WHERE = "membership objective"


def obstacle(attack: Attack) -> str:
    """Why no image can be moved along an attack's features, as the end of a sentence; empty where one can.

    An attack is an objective where it fits an attack model, judges one image by itself, looks at nothing beside the
    target's own answers, and reads only channels that have gradients.
    """
    if not isinstance(attack, FeatureAttack):
        return ", which fits no attack model"
    if not attack.by_itself:
        return ", which compares photos"
    if attack.beside:
        return f", which looks at {' and '.join(sorted(attack.beside))} beside the target's answers"
    if closed := sorted(attack.reads() - DIFFERENTIABLE):
        return f", which reads the channel{'s' if len(closed) > 1 else ''} {', '.join(closed)}"
    return ""


def steered_by(attack: Attack) -> FeatureAttack:
    """The attack, if images can be moved along its features.

    Raises:
        UsageError: they cannot; the message says why, by name of the channel where one is to blame.
    """
    why = obstacle(attack)
    if why or not isinstance(attack, FeatureAttack):
        names = [name for name, kind in attacks().items() if not obstacle(kind())]
        readable = ", ".join(sorted(DIFFERENTIABLE))
        raise UsageError(
            WHERE,
            got=f"an attack model of {attack.name!r}{why}",
            expected=f"one of {', '.join(names)}",
            hint=f"an attack that judges one image by itself, by channels that have gradients: {readable}",
        )
    return attack


def features(attack: FeatureAttack, answers: Answers) -> Tensor:
    """(n, p, f) the attack's features of each pair of views; differentiable.

    Raises:
        UsageError: the target gives no such channel, or the attack's features cannot be worked out of tensors.
    """
    seen = answers.trace(attack.reads() & answers.given)
    try:
        check_channels(attack.name, attack.needs, seen)
        with torch.enable_grad():  # else NumPy would take the tensors, and only the search would find out
            found: object = attack.features(seen)
    except Abstained as error:
        hint = "an attack that reads embeddings alone, such as embedding-norm"
        raise UsageError(f"{WHERE}, {error.where}", got=error.got, expected=error.expected, hint=hint) from error
    except (RuntimeError, TypeError, AttributeError) as error:
        raise _not_for_tensors(attack, f"features that stop at a tensor ({error})") from error
    if not isinstance(found, Tensor) or not found.requires_grad:
        raise _not_for_tensors(attack, f"a {type(found).__name__} without gradients")
    moved = found if answers.embedding.requires_grad else found.detach()
    return moved.reshape(*answers.embedding.shape[:2], -1)


def logit(model: AttackModel, numbers: Tensor) -> Tensor:
    """(n, p, f) features to (n, p) logits of a fitted attack model; differentiable.

    Raises:
        UsageError: f is not what the model was fitted on.
    """
    if numbers.shape[-1] != len(model.used):
        raise UsageError(
            "attack model",
            got=f"{numbers.shape[-1]} features from this target",
            expected=f"the {len(model.used)} that the model was fitted on",
            hint="the attack model of a backbone with the same layers, and its own attack's parameters",
        )
    told: Tensor = model.logit(numbers)  # type: ignore[arg-type, assignment]
    return told


def _not_for_tensors(attack: FeatureAttack, got: str) -> UsageError:
    return UsageError(
        f"{WHERE}, attack {attack.name}",
        got=got,
        expected="features that are differentiable where the channels are tensors",
        hint="writing features() over bareface.membership.engine.arrays, as docs/writing-an-attack.md shows",
    )
