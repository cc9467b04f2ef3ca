"""Precision, recall, density and coverage (Naeem, Oh, Uh, Choi and Yoo 2020, eq. 1, 3 and 6).

N real rows X, M generated rows Y; B(v) is the open ball around v that reaches to its k-th nearest neighbour in its own
set, itself not counted.

    precision = 1/M    sum_j  1[ Y_j lies in some B(X_i) ]
    recall    = 1/N    sum_i  1[ X_i lies in some B(Y_j) ]
    density   = 1/(kM) sum_j  number of B(X_i) that hold Y_j
    coverage  = 1/N    sum_i  1[ B(X_i) holds some Y_j ]

Copies in circulation divide density by kN, or look only at the ball of the single nearest row; for N other than M both
give other numbers.
"""

from dataclasses import dataclass

from numpy.typing import ArrayLike

from bareface.errors import UsageError
from bareface.stats.inversion.neighbours import embeddings, squared_distances, squared_radii

K = 5


@dataclass(frozen=True)
class Prdc:
    """The four numbers; all lie in [0, 1] but density, which lies in [0, N / k]."""

    precision: float
    recall: float
    density: float
    coverage: float


def prdc(real: ArrayLike, generated: ArrayLike, k: int = K) -> Prdc:
    """Precision, recall, density and coverage with Euclidean balls.

    Args:
        real: (N, d), N > k.
        generated: (M, d), M > k.
        k: which neighbour sets the radius; 5 as published.

    Raises:
        UsageError: k < 1, a set has no k-th neighbour, the sets differ in d or hold NaN.
    """
    if k < 1:
        raise UsageError("prdc", got=f"k = {k}", expected="at least 1")
    x, y = embeddings("prdc", real, generated, least=k + 1)
    distances = squared_distances(x, y)
    in_real = distances < squared_radii(x, k)[:, None]
    in_generated = distances < squared_radii(y, k)
    return Prdc(
        precision=float(in_real.any(axis=0).mean()),
        recall=float(in_generated.any(axis=1).mean()),
        density=float(in_real.sum(axis=0).mean() / k),
        coverage=float(in_real.any(axis=1).mean()),
    )
