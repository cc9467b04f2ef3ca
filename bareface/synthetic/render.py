"""From latents to pictures: everything is painted from back to front."""

from collections.abc import Callable, Iterable

from torch import Tensor

from bareface.synthetic import beard, body, eyes, hair, mouth, palette, worn
from bareface.synthetic.parameters import Nuisance
from bareface.synthetic.shapes import cover, glow, mix
from bareface.synthetic.shot import Paint, Shot, whole, window


def render_parameters(identity_params: Tensor, nuisance_params: Tensor, size: int) -> Tensor:
    """Photos of people.

    Args:
        identity_params: (n, IDENTITY_SIZE) latents, standard normal for ordinary people.
        nuisance_params: (n, NUISANCE_SIZE) latents, standard normal for ordinary photos.
        size: height and width in pixels.

    Returns:
        (n, 3, size, size) RGB in [0, 1], without sensor noise; differentiable in both latents.
    """
    shot = whole(identity_params, nuisance_params, size)
    locks = hair.hair(shot)
    picture = _background(shot)
    picture = _lay(picture, [hair.behind(shot, locks), body.neck(shot), body.clothes(shot), hair.falling(shot, locks)])
    picture = _head(picture, shot, locks)
    picture = _lay_where(picture, shot, worn.sunglasses(shot) + worn.spectacles(shot), worn.glasses)
    picture = _lay_where(picture, shot, hair.under_hat(shot), worn.hat)
    picture = _lay_where(picture, shot, worn.has_hand(shot), worn.hand)
    picture = _lay_where(picture, shot, worn.has_microphone(shot), worn.microphone)
    return _camera(picture, shot.how)


def _lay(picture: Tensor, paints: Iterable[Paint]) -> Tensor:
    for paint in paints:
        picture = (paint.colour - picture).mul_(paint.amount).add_(picture)
    return picture


def _lay_where(picture: Tensor, shot: Shot, there: Tensor, painted: Callable[[Shot], list[Paint]]) -> Tensor:
    """Paint what only some photos show, on those photos alone."""
    rows = there.flatten().nonzero().flatten()
    return picture.index_copy(0, rows, _lay(picture[rows], painted(shot.some(rows)))) if len(rows) else picture


def _background(shot: Shot) -> Tensor:
    how, x, y = shot.how, shot.frame_x, shot.frame_y
    colour = palette.surroundings(how.back_hue, how.back_light, how.back_colourful)
    other = palette.surroundings(1 - how.back_hue, how.back_other, how.back_colourful)
    spot = glow((x - 3 * how.back_slant_y).square() + (y - 2 * how.back_slant_x).square())
    slope = 1 + how.back_slant_x * x + how.back_slant_y * y
    return mix(colour, other, spot * how.back_spot.clamp(min=0)) * slope


def _head(picture: Tensor, shot: Shot, locks: hair.Hair) -> Tensor:
    shade, cap = body.dome(shot), hair.cap(shot, locks)
    shadow = 1 - 0.25 * cover(cap - 0.03, 0.10) * locks.amount
    picture = _lay(picture, [body.face(shot, shade * shadow)])
    picture = _lay_where(picture, shot, beard.has_beard(shot), beard.beard)
    picture = _lower_face(_upper_face(picture, shot), shot)
    return _lay(picture, [Paint(locks.colour, cover(cap, shot.pixel) * locks.amount)])


def _upper_face(picture: Tensor, whole_shot: Shot) -> Tensor:
    pane = window(whole_shot, whole_shot.who.eye_height + eyes.MIDDLE, eyes.HALF_WIDTH, eyes.HALF_HEIGHT)
    shot, e = pane.shot, eyes.eyes(pane.shot)
    paints = [*eyes.eyeballs(shot, e), eyes.lashes(shot, e), eyes.brows(shot, e)]
    return pane.put(picture, _on_skin(pane.cut(picture), shot, eyes.relief(shot, e), paints))


def _lower_face(picture: Tensor, whole_shot: Shot) -> Tensor:
    tip = whole_shot.who.eye_height + whole_shot.who.nose_length
    pane = window(whole_shot, tip + mouth.MIDDLE, mouth.HALF_WIDTH, mouth.HALF_HEIGHT)
    shot, m = pane.shot, mouth.mouth(pane.shot)
    paints = [*mouth.marks(shot), mouth.nostrils(shot), *mouth.lips(shot, m)]
    return pane.put(picture, _on_skin(pane.cut(picture), shot, mouth.relief(shot, m), paints))


def _on_skin(patch: Tensor, shot: Shot, relief: Tensor, paints: list[Paint]) -> Tensor:
    """Relief and features under the light of the face, not beyond its outline."""
    inside, light = cover(body.outline(shot), shot.pixel), 0.25 + 0.75 * body.dome(shot)
    lit = [Paint(paint.colour * light, paint.amount * inside) for paint in paints]
    return _lay(patch * (1 + relief * inside), lit)


def _camera(picture: Tensor, how: Nuisance) -> Tensor:
    picture = _blur(picture, (0.5 * (how.blur.clamp(min=0) * picture.shape[2]).square()).clamp(max=1 / 3))
    cast = 1 + how.warmth * palette.rgb(picture, 1.0, 0.1, -1.0)
    picture = (picture * (cast * how.contrast)).add_(0.5 - 0.5 * how.contrast).mul_(how.exposure)
    bright = (picture - 0.75).clamp_(min=0)
    return picture.clamp_(0, 0.75).add_(bright / (1 + 4 * bright))


def _blur(picture: Tensor, weight: Tensor) -> Tensor:
    """Three taps along each side of the picture; variance 2 * weight, in squared pixels."""
    for dim in (2, 3):
        count = picture.shape[dim] - 1
        flow = (picture.narrow(dim, 1, count) - picture.narrow(dim, 0, count)).mul_(weight)
        picture = picture.clone()
        picture.narrow(dim, 0, count).add_(flow)
        picture.narrow(dim, 1, count).sub_(flow)
    return picture
