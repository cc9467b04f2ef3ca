"""Each defence does what its page says."""

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from bareface.errors import TargetError, UsageError
from bareface.faces.source import ArrayImages
from bareface.probing.head import head_answers
from bareface.registry import HEADINGS, prose
from bareface.settings.recipe import Recipe
from bareface.settings.spec import ImageSpec
from bareface.targets.build import build
from bareface.targets.target import Target
from bareface.trace import Channel
from bareface.training.defence import AnswerDefence, Public, ReleaseDefence, TrainingDefence
from bareface.training.defences import defence_class, defences, dp_sgd
from bareface.training.defences.augmentation import Augmentation
from bareface.training.defences.cutmix import pasted
from bareface.training.defences.distillation import Distillation, imitating
from bareface.training.defences.dp_sgd import DpSgd
from bareface.training.defences.dropout import Dropout
from bareface.training.defences.early_stopping import EarlyStopping
from bareface.training.defences.embedding_noise import EmbeddingNoise
from bareface.training.defences.embedding_rounding import EmbeddingRounding
from bareface.training.defences.fine_tuning import FineTuning
from bareface.training.defences.folding import Folding
from bareface.training.defences.frozen_statistics import FrozenStatistics
from bareface.training.defences.group_norm import GroupNorm
from bareface.training.defences.label_smoothing import LabelSmoothing
from bareface.training.defences.layer_norm import LayerNorm
from bareface.training.defences.mixing import mixed_lesson
from bareface.training.defences.mixup import blended
from bareface.training.defences.norm_removal import NormRemoval
from bareface.training.defences.posterior_perturbation import PosteriorPerturbation
from bareface.training.defences.posterior_rounding import PosteriorRounding
from bareface.training.defences.pruning import Pruning
from bareface.training.defences.quantisation import Quantisation
from bareface.training.defences.relax_loss import RelaxLoss, flattened, relaxed_loss
from bareface.training.defences.weight_decay import WeightDecay
from bareface.training.defences.zeroed_counters import ZeroedCounters
from bareface.training.defended import train_defended
from bareface.training.heads import CosFace
from bareface.training.learner import Learner, fresh_backbone, learner_of

SPEC = ImageSpec(16, 16, "GRAY")
RECIPE = Recipe(spec=SPEC, embedding_size=16, epochs=1, batch_size=8, warmup_epochs=0, learning_rate=0.05, seed=4)


@lru_cache
def faces(seed: int = 0, count: int = 16) -> ArrayImages:
    generator = torch.Generator().manual_seed(seed)
    return ArrayImages(torch.randint(0, 256, (count, 3, 16, 16), dtype=torch.uint8, generator=generator))


LABELS = np.repeat(np.arange(4), 4)
PUBLIC = Public(faces(1), LABELS)


@lru_cache
def trained() -> Target:
    """A backbone whose statistics and weights are no longer those of a fresh one, with four centres."""
    torch.manual_seed(2)
    module = build("ir-tiny", spec=SPEC, embedding_size=16)
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, _BatchNorm):
                layer.weight.copy_(0.5 + torch.rand_like(layer.weight))
                layer.bias.copy_(torch.randn_like(layer.bias) / 4)
        for start in range(0, 16, 8):
            module(SPEC.normalise(faces().pixels[start : start + 8]))
    return Target("t", "ir-tiny", module, SPEC, centres=F.normalize(torch.randn(4, 16)))


def embedded(target: Target) -> Tensor:
    with torch.no_grad():
        return target.embed(faces(3).pixels)


def counters(module: nn.Module) -> list[int]:
    return [int(b) for name, b in module.named_buffers() if name.endswith("num_batches_tracked")]


@pytest.mark.parametrize("name", defences())
def test_every_defence_has_its_page_and_a_name_for_its_parameters(name: str) -> None:
    kind = defence_class(name)
    assert prose(kind).sections.keys() >= set(HEADINGS)
    assert kind().title() == name
    assert issubclass(kind, TrainingDefence | ReleaseDefence | AnswerDefence)
    assert kind.reach in ("head", "statistics", "weights", "answers")


def test_an_unknown_defence_and_a_wrong_parameter_are_refused() -> None:
    with pytest.raises(UsageError, match=r"'armour'; expected one of augmentation, .*zeroed-counters"):
        defence_class("armour")
    with pytest.raises(ValueError, match="less than 1"):
        LabelSmoothing(epsilon=2.0)


# Training


def learner(people: int = 4) -> Learner:
    torch.manual_seed(0)
    return learner_of(nn.Sequential(nn.Flatten(), nn.Linear(256, 16)), RECIPE, people, torch.device("cpu"))


def told(defence: TrainingDefence, one: Learner) -> float:
    pixels, labels = SPEC.normalise(faces().pixels[:8]), torch.from_numpy(LABELS[:8])
    return defence.lesson(RECIPE, 1)(one, pixels, labels)[0]


def test_label_smoothing_spreads_a_share_of_the_target_over_all_people() -> None:
    one = learner()
    pixels, labels = SPEC.normalise(faces().pixels[:8]), torch.from_numpy(LABELS[:8])
    log_p = one.head(one.backbone(pixels), labels).log_softmax(1).detach()
    by_hand = -(0.7 * log_p.gather(1, labels.view(-1, 1))[:, 0] + 0.3 / 4 * log_p.sum(1)).mean()
    assert told(LabelSmoothing(epsilon=0.3), one) == pytest.approx(float(by_hand.detach()), rel=1e-5)


def test_relax_loss_descends_above_its_level_and_ascends_or_flattens_below() -> None:
    logits, labels = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]], requires_grad=True), torch.tensor([0, 0])
    loss = F.cross_entropy(logits, labels)
    assert relaxed_loss(logits, labels, 0.5, ascend=True) == loss  # 0.86 > 0.5
    assert relaxed_loss(logits, labels, 2.0, ascend=True) == -loss
    (down,) = torch.autograd.grad(loss, logits, retain_graph=True)
    (up,) = torch.autograd.grad(relaxed_loss(logits, labels, 2.0, ascend=True), logits)
    torch.testing.assert_close(up, -down)
    p = math.e**2 / (math.e**2 + 2)
    wanted = torch.tensor([[p, (1 - p) / 2, (1 - p) / 2], [1.0, 0.0, 0.0]])  # the second is wrongly classified
    torch.testing.assert_close(flattened(logits, labels), wanted)
    flat = relaxed_loss(logits, labels, 2.0, ascend=False)
    assert flat.item() == pytest.approx(F.cross_entropy(logits, wanted).item(), rel=1e-6)


def test_early_stopping_keeps_the_schedule_and_ends_it() -> None:
    recipe = Recipe(epochs=60)
    assert EarlyStopping(share=0.4).last_epoch(recipe) == 24
    assert EarlyStopping().recipe(recipe) == recipe
    assert EarlyStopping(share=0.01).last_epoch(Recipe(epochs=10)) == 1


def test_settings_of_decay_and_augmentation_reach_the_recipe() -> None:
    assert WeightDecay(factor=4.0).recipe(RECIPE).weight_decay == pytest.approx(2e-3)
    stronger = Augmentation().recipe(RECIPE)
    assert (stronger.shift, stronger.brightness, stronger.contrast) == (1, 25.0, 0.25)


def test_dropout_sets_every_layer_and_needs_one() -> None:
    module = Dropout(probability=0.7).backbone(build("ir-tiny", spec=SPEC), RECIPE, PUBLIC)
    assert {layer.p for layer in module.modules() if isinstance(layer, nn.Dropout)} == {0.7}
    with pytest.raises(TargetError, match="no dropout layer"):
        Dropout().backbone(nn.Linear(2, 2), RECIPE, PUBLIC)


def test_mixtures_and_their_losses_are_in_proportion() -> None:
    first, second = torch.zeros(2, 1, 4, 4), torch.ones(2, 1, 4, 4)
    assert blended(first, second, 0.75)[0].unique().tolist() == [0.25]
    for seed in range(20):
        torch.manual_seed(seed)
        mixture, share = pasted(first, second, 0.6)
        assert float(1 - mixture.mean()) == pytest.approx(share)  # the share of the loss is that of the area
    assert pasted(first, second, 1.0)[1] == 1.0
    assert not pasted(first, second, 1.0)[0].any()  # a batch that is left as it is
    one = learner()
    pixels, labels = SPEC.normalise(faces().pixels[:8]), torch.from_numpy(LABELS[:8])
    alone = mixed_lesson(lambda a, b, share: (a, 1.0), 1.0)(one, pixels, labels)[0]
    plain = F.cross_entropy(one.head(one.backbone(pixels), labels), labels).detach()
    assert alone == pytest.approx(plain.item(), rel=1e-6)


@pytest.mark.parametrize("defence", [GroupNorm(), LayerNorm()])
def test_other_normalisation_looks_at_one_image_alone(defence: TrainingDefence) -> None:
    torch.manual_seed(1)
    module = defence.backbone(build("ir-tiny", spec=SPEC, embedding_size=16), RECIPE, PUBLIC).train()
    for layer in module.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    assert not [layer for layer in module.modules() if isinstance(layer, _BatchNorm)]
    pixels = SPEC.normalise(faces().pixels)
    torch.testing.assert_close(module(pixels)[:1], module(pixels[:1]), atol=1e-4, rtol=1e-3)
    assert (
        float(module(pixels).detach().abs().min(1).values.max()) > 0
    )  # no group of one channel, normalised to nothing


def test_group_norm_has_at_least_the_channels_asked_for() -> None:
    module = GroupNorm(channels=8).backbone(build("ir-tiny", spec=SPEC, embedding_size=20), RECIPE, PUBLIC)
    norms = [layer for layer in module.modules() if isinstance(layer, nn.GroupNorm)]
    assert min(norm.num_channels // norm.num_groups for norm in norms) >= 8
    with pytest.raises(TargetError, match="without BatchNorm"):
        GroupNorm().backbone(nn.Linear(2, 2), RECIPE, PUBLIC)


def test_frozen_statistics_are_those_of_public_people_and_stay() -> None:
    defence = FrozenStatistics(pretraining=1.0)
    module = defence.backbone(build("ir-tiny", spec=SPEC, embedding_size=16), RECIPE, PUBLIC)
    public = [buffer.clone() for name, buffer in module.named_buffers() if "running" in name]
    assert min(counters(module)) > 0
    one = learner_of(module, RECIPE, 4, torch.device("cpu"))
    before = [value.clone() for value in one.parameters().values()]
    one.step(SPEC.normalise(faces().pixels[:8]), torch.from_numpy(LABELS[:8]), 0.1, 0, defence.lesson(RECIPE, 1))
    after = [buffer for name, buffer in one.backbone.named_buffers() if "running" in name]
    assert all(torch.equal(a, b) for a, b in zip(public, after, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(before, one.parameters().values(), strict=True))


def test_private_training_may_start_from_public_people_at_no_price(monkeypatch: pytest.MonkeyPatch) -> None:
    usual, public = DpSgd(), DpSgd(pretraining=1.0)

    def start(defence: DpSgd) -> nn.Module:
        return defence.backbone(fresh_backbone(RECIPE), RECIPE, PUBLIC)

    fresh, taught, again = start(usual), start(public), start(public)
    assert not any(isinstance(layer, _BatchNorm) for layer in taught.modules())
    assert all(torch.equal(a, b) for a, b in zip(taught.parameters(), again.parameters(), strict=True))
    assert not any(
        torch.equal(a, b) for a, b in zip(fresh.parameters(), taught.parameters(), strict=True) if a.ndim > 1
    )
    monkeypatch.setattr(dp_sgd, "spent", lambda *asked: asked)
    assert public.guarantee(LABELS, RECIPE) == usual.guarantee(LABELS, RECIPE)


@pytest.mark.parametrize("name", ["label-smoothing", "relax-loss", "mixup", "cutmix", "group-norm", "dp-sgd"])
def test_training_with_a_defence_is_repeatable_and_differs_from_training_without(name: str) -> None:
    defence = defence_class(name)()
    assert isinstance(defence, TrainingDefence)
    recipe = RECIPE
    if name == "relax-loss":  # the loss is below its level from the beginning, and ascended in the second epoch
        defence, recipe = RelaxLoss(alpha=1e3), replace(RECIPE, epochs=2)
    once, again = (train_defended(faces(), LABELS, recipe, defence, PUBLIC) for _ in range(2))
    assert once.sha256 == again.sha256
    assert once.centres is not None
    assert once.centres.shape == (4, 16)
    assert once.sha256 != train_defended(faces(), LABELS, recipe, EarlyStopping(share=0.99), PUBLIC).sha256


# Release


def released(defence: ReleaseDefence) -> Target:
    before = trained().sha256
    made = defence.released(trained(), PUBLIC, 5)
    assert trained().sha256 == before  # what was trained is left untouched
    assert made.centres is None
    return made


def test_folding_leaves_no_batchnorm_and_the_same_embeddings() -> None:
    made = released(Folding())
    assert not [layer for layer in made.module.modules() if isinstance(layer, _BatchNorm)]
    assert not [name for name, _ in made.module.named_buffers() if "running" in name]
    torch.testing.assert_close(embedded(made), embedded(trained()), atol=1e-4, rtol=1e-4)
    with pytest.raises(TargetError, match="without BatchNorm"):
        Folding().released(made, PUBLIC, 0)


def test_zeroed_counters_change_nothing_else() -> None:
    made = released(ZeroedCounters())
    assert set(counters(made.module)) == {0}
    assert min(counters(trained().module)) > 0
    torch.testing.assert_close(embedded(made), embedded(trained()))


def test_public_statistics_are_those_of_public_faces_and_no_weight_moves() -> None:
    made = released(defence_class("public-statistics")())  # type: ignore[arg-type]
    weights = zip(made.module.parameters(), trained().module.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in weights)
    first = made.module.input_layer[1]
    entering = made.module.input_layer[0](SPEC.normalise(PUBLIC.images.load(np.arange(16))))
    torch.testing.assert_close(first.running_mean, entering.mean((0, 2, 3)), atol=1e-4, rtol=1e-3)


def test_quantised_weights_have_few_levels_and_lie_near_the_old_ones() -> None:
    made = released(Quantisation(bits=4))
    for (name, new), old in zip(made.module.named_parameters(), trained().module.parameters(), strict=True):
        if new.ndim > 1:
            rows = zip(new.detach().flatten(1), old.detach().flatten(1), strict=True)
            for coarse, fine in rows:
                assert len(coarse.unique()) <= 16, name
                assert float((coarse - fine).abs().max()) <= float(fine.abs().max()) / 7 / 2 + 1e-6
    eight = released(Quantisation())
    assert all(len(row.unique()) <= 256 for p in eight.module.parameters() if p.ndim > 1 for row in p.flatten(1))


def test_pruning_zeroes_the_smallest_weights_of_all_layers_together() -> None:
    made = released(Pruning(share=0.3))
    pairs = zip(made.module.parameters(), trained().module.parameters(), strict=True)
    weights = [(a.detach().flatten(), b.detach().flatten()) for a, b in pairs if a.ndim > 1]
    new, old = (torch.cat(side) for side in zip(*weights, strict=True))
    assert float((new == 0).float().mean()) == pytest.approx(0.3, abs=1e-3)
    assert float(old[new == 0].abs().max()) <= float(old[new != 0].abs().min())
    assert torch.equal(new[new != 0], old[new != 0])


def test_fine_tuning_moves_weights_and_statistics_towards_the_public() -> None:
    made = released(FineTuning(epochs=1))
    changed = zip(made.module.state_dict().values(), trained().module.state_dict().values(), strict=True)
    assert not any(torch.equal(a, b) for a, b in changed if a.ndim > 1)


def test_a_student_starts_anew_and_comes_nearer_to_its_teacher() -> None:
    made = released(Distillation(epochs=12))
    assert made.module is not trained().module

    def likeness(student: Target) -> float:
        images = PUBLIC.images.load(np.arange(16))
        with torch.no_grad():
            return float(F.cosine_similarity(student.embed(images), trained().embed(images)).mean())

    fresh = Target("fresh", "ir-tiny", build("ir-tiny", spec=SPEC, embedding_size=16), SPEC)
    assert likeness(made) > likeness(fresh) + 0.15
    one = learner()
    assert imitating(trained())(one, SPEC.normalise(faces().pixels[:8]), torch.zeros(8, dtype=torch.int64))[1] == 0


def test_a_head_that_is_withheld_takes_nothing_from_the_backbone() -> None:
    made = released(defence_class("head-withheld")())  # type: ignore[arg-type]
    assert made.module is trained().module


# Answers


def answering(defence: AnswerDefence, seed: int = 1) -> Target:
    return defence.answering(trained(), seed)


def test_embeddings_without_length_keep_their_direction() -> None:
    said = embedded(answering(NormRemoval()))
    torch.testing.assert_close(said, F.normalize(embedded(trained())))


def test_noise_is_fresh_for_every_query_of_the_stated_size_and_seeded() -> None:
    target = answering(EmbeddingNoise(scale=0.3))
    first, second = embedded(target), embedded(target)
    assert not torch.allclose(first, second)
    again = answering(EmbeddingNoise(scale=0.3))
    torch.testing.assert_close(embedded(again), first)
    assert not torch.allclose(embedded(answering(EmbeddingNoise(scale=0.3), seed=2)), first)
    noise = torch.cat([embedded(target) - embedded(trained()) for _ in range(60)])
    relative = noise.norm(dim=1) / embedded(trained()).norm(dim=1).repeat(60)
    assert float(relative.square().mean().sqrt()) == pytest.approx(0.3, rel=0.05)
    assert target.sha256 != trained().without_head().sha256


def test_nobody_looks_into_a_service() -> None:
    target = answering(NormRemoval())
    assert not list(target.module.parameters())
    assert not [layer for layer in target.module.modules() if isinstance(layer, _BatchNorm)]
    other = NormRemoval().answering(ZeroedCounters().released(trained(), PUBLIC, 0), 1)
    assert other.sha256 != target.sha256


@pytest.mark.parametrize("neighbours", [False, True])
def test_whoever_asks_often_gets_nearer_to_the_embedding(neighbours: bool) -> None:
    defence = EmbeddingNoise(scale=1.0, queries=2 if neighbours else 18, neighbours=neighbours)
    target = answering(defence)
    once, often = (
        F.cosine_similarity(embedded(t), embedded(trained())).mean() for t in (target, defence.asked(target))
    )
    assert often > once + 0.1
    if not neighbours:  # 18 fresh answers: noise of 1 / sqrt(18)
        assert float(often) == pytest.approx(1 / (1 + 1 / 18) ** 0.5, abs=0.01)


def test_rounded_embeddings_lie_on_the_grid() -> None:
    said = embedded(answering(EmbeddingRounding(step=1.0)))
    grid = 1 / 16**0.5
    torch.testing.assert_close(said / grid, (said / grid).round())
    torch.testing.assert_close(said, F.normalize(embedded(trained())), atol=grid / 2 + 1e-6, rtol=0)


def posteriors(target: Target) -> Tensor:
    assert target.centres is not None
    return head_answers(embedded(target), target.centres, target.posterior)[Channel.POSTERIOR]


def test_rounded_posteriors_say_few_different_things_and_the_backbone_answers_as_before() -> None:
    target = answering(PosteriorRounding(decimals=1))
    torch.testing.assert_close(embedded(target), embedded(trained()))
    wide = target.posterior(torch.tensor([[0.62, 0.27, 0.06, 0.05]]).log())  # type: ignore[misc]
    torch.testing.assert_close(wide.exp(), torch.tensor([[0.6, 0.3, 0.1, 1e-6]]) / 1.000001, atol=0.07, rtol=0)
    assert len(posteriors(target)[:, 0].unique()) <= 10
    assert target.sha256 != trained().sha256


def test_noisy_posteriors_keep_the_likeliest_person_and_are_fresh() -> None:
    defence = PosteriorPerturbation(scale=3.0, queries=200)
    target = answering(defence)
    log_p = torch.randn(50, 6).log_softmax(1)
    first, second = (target.posterior(log_p) for _ in range(2))  # type: ignore[misc]
    assert not torch.equal(first, second)
    assert torch.equal(first.argmax(1), log_p.argmax(1))
    torch.testing.assert_close(first.exp().sum(1), torch.ones(50))
    averaged = defence.asked(target).posterior(log_p)  # type: ignore[misc]

    def agreement(said: Tensor) -> float:
        """Of the images' largest posteriors with the true ones; noise moves all of them up alike."""
        return float(torch.corrcoef(torch.stack([said.amax(1), log_p.amax(1)]))[0, 1])

    assert agreement(averaged) > 0.75 > 0.6 > agreement(first)


def test_a_served_head_is_asked_through_its_service() -> None:
    centres, embedding = torch.eye(3), torch.eye(3)[:1]
    plain = head_answers(embedding, centres)
    served = head_answers(embedding, centres, lambda log_p: torch.full_like(log_p, math.log(1 / 3)))
    assert float(plain[Channel.POSTERIOR][0, 0]) == pytest.approx(0, abs=1e-4)
    assert float(served[Channel.POSTERIOR][0, 0]) == pytest.approx(math.log(1 / 3), rel=1e-5)
    assert served[Channel.CLASS_COSINE].shape == plain[Channel.CLASS_COSINE].shape


def test_margin_heads_learn_mixtures_with_both_margins() -> None:
    head = CosFace(2, 2, scale=1.0, margin=0.5)
    with torch.no_grad():
        head.weight.copy_(torch.eye(2))
    cosines = head.cosines(torch.tensor([[1.0, 0.0]]))
    first, second = (F.cross_entropy(head.logits(cosines, who), who) for who in (torch.tensor([0]), torch.tensor([1])))
    assert float(first.detach()) == pytest.approx(math.log1p(math.exp(-0.5)))
    assert float(second.detach()) == pytest.approx(math.log1p(math.exp(1.5)))
