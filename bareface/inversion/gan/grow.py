"""From a trained pair of networks to one of a higher resolution."""

import torch
from torch import Tensor

from bareface.errors import UsageError
from bareface.inversion.gan.players import Players
from bareface.inversion.stylegan2.config import Config


@torch.no_grad()
def grow(players: Players, tensors: dict[str, Tensor], small: Config) -> None:
    """Put the weights of a smaller pair (`Players.tensors`) into `players`; the added blocks keep their first weights.

    The generator's added blocks begin without a voice in the image, so that the first images are the small ones,
    upsampled. Optimisers start afresh.

    Raises:
        UsageError: the larger configuration does not begin with the smaller one.
    """
    large = players.recipe.config
    if large.channels[: len(small.channels)] != small.channels or _rest(large) != _rest(small):
        raise UsageError("grow", got=f"{small}", expected=f"a configuration that {large} extends")
    for side in large.resolutions[len(small.channels) :]:
        for network in (players.generator, players.average):
            network.get_parameter(f"synthesis.b{side}.torgb.weight").zero_()
    for player in ("generator", "average", "discriminator"):
        own = getattr(players, player).state_dict()
        for name, value in own.items():
            value.copy_(tensors.get(f"{player}.{name}", value))
    players.augment_p, players.seen = tensors["augment_p"].item(), int(tensors["seen"])


def _rest(config: Config) -> tuple[object, ...]:
    return (config.z_dim, config.w_dim, config.mapping_layers, config.mapping_lr, config.rgb_channels)
