"""The toy worlds that `bareface.testing` publishes, under the name by which the tests know them."""

from bareface.testing.traces import BANK, LAYERS, Toy, known_from, nonmembers_known, split_in_halves, toy_world

__all__ = ["BANK", "LAYERS", "Toy", "known_from", "nonmembers_known", "split_in_halves", "toy_world"]
