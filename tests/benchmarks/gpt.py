"""A GPT of scalars: every number is a Value, every step plain Python; it learns to spell names that we made up.

Given are weights (`start`) and a document (`encoded`); `loss` is one number. Documents have different lengths. They
are padded to `LENGTH` places, and places past the end weigh 0: attention looks back only, so that padding changes
neither the loss nor a gradient, and one program with one batch serves all lengths. Programs by length would waste no
place (a third here), but each would hold a vector of parameters of its own, and a batch of 32 would fall into ten.
The same computation in plain floats, with derivatives by hand, and in PyTorch: `gpt_by_hand`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

import microgradnn as mg
from microgradnn import Value, nn

LETTERS, WIDTH, CONTEXT, HEADS, LENGTH = 26, 16, 16, 4, 12
END, SIZE, EPSILON = LETTERS, WIDTH // HEADS, 1e-5  # the token around each name; of a head; below the root
SHAPES = {  # rows × columns: 4,192 numbers
    "tokens": (LETTERS + 1, WIDTH), "places": (CONTEXT, WIDTH),
    "query": (WIDTH, WIDTH), "key": (WIDTH, WIDTH), "value": (WIDTH, WIDTH), "mix": (WIDTH, WIDTH),
    "up": (4 * WIDTH, WIDTH), "down": (WIDTH, 4 * WIDTH), "head": (LETTERS + 1, WIDTH),
}  # fmt: skip
NAMES = [  # the first fills LENGTH places
    "abelindrano", "bromi", "calvessa", "dorinth", "eskalune", "fenwyra", "galdomir", "hespa", "irolanda",
    "jussefine", "korvath", "lumisel", "mirabrand", "nelvo", "ostrine", "parduveline", "quillon", "resmara",
    "silvodane", "tamrith", "ulvenna", "verosk", "wendaline", "xarimo", "yolanthe", "zephin", "arduna", "belomir",
    "cintha", "dervane", "elsoran", "fyrna",
]  # fmt: skip
ADAM = {"lr": 0.01, "betas": (0.9, 0.99), "eps": 1e-8}
Table = Sequence[Sequence[Any]]  # rows of numbers: floats or Values
Model = dict[str, Any]  # a Table for each name in SHAPES


def start(seed: int = 0) -> Model:
    """The weights that all engines start from."""
    draw = random.Random(seed).gauss
    return {
        name: [[draw(0, 0.5 / math.sqrt(columns)) for _ in range(columns)] for _ in range(rows)]
        for name, (rows, columns) in SHAPES.items()
    }


class Functions(NamedTuple):
    """What the model asks of an engine beside operators."""

    take: Callable[..., Any] = mg.take  # the row of a table with a number, which may be an input of a program
    relu: Callable[..., Any] = mg.relu
    softmax: Callable[..., Any] = mg.softmax
    cross_entropy: Callable[..., Any] = nn.cross_entropy


OURS = Functions()


def scalars(weights: Model, leaf: Callable[[float], Any] = Value) -> Model:
    """The weights as Values."""
    return {name: [list(map(leaf, row)) for row in rows] for name, rows in weights.items()}


def flat(model: Model) -> list[Any]:
    """All numbers of a model in one list."""
    return [number for table in model.values() for row in table for number in row]


def encoded(name: str, length: int = LENGTH) -> tuple[list[int], list[int], list[float]]:
    """The token at each place, the one that follows, and the weight of its loss: one over how many places count."""
    tokens = [END, *(ord(letter) - ord("a") for letter in name), END]
    count = len(tokens) - 1
    padding = [END] * (length - count)
    return tokens[:-1] + padding, tokens[1:] + padding, [1 / count] * count + [0.0] * len(padding)


def batch(count: int) -> tuple[Any, Any, Any]:
    """So many documents as arrays: tokens, targets, weights."""
    tokens, targets, weights = zip(*map(encoded, NAMES[:count]), strict=True)
    return np.array(tokens), np.array(targets), np.array(weights)


def dot(xs: Sequence[Any], ys: Sequence[Any]) -> Any:
    """Σ xᵢ yᵢ, gate by gate."""
    return sum(x * y for x, y in zip(xs, ys, strict=True))


def linear(table: Table, x: Sequence[Any]) -> list[Any]:
    """A matrix times a vector."""
    return [dot(row, x) for row in table]


def plus(xs: Sequence[Any], ys: Sequence[Any]) -> list[Any]:
    """Number by number."""
    return [x + y for x, y in zip(xs, ys, strict=True)]


def normed(x: Sequence[Any]) -> list[Any]:
    """The numbers over their root mean square."""
    scale = (dot(x, x) / len(x) + EPSILON) ** -0.5
    return [number * scale for number in x]


def attended(query: Sequence[Any], keys: Table, values: Table, softmax: Callable[..., Any]) -> list[Any]:
    """For each head the mean of the values so far, by softmax of query · key / √size."""
    out = []
    for first in range(0, WIDTH, SIZE):
        head = slice(first, first + SIZE)
        shares = softmax([dot(query[head], key[head]) / math.sqrt(SIZE) for key in keys])
        out += [dot(shares, column) for column in zip(*(value[head] for value in values), strict=True)]
    return out


def loss(
    model: Model, tokens: Sequence[Any], targets: Sequence[Any], weights: Sequence[Any], *, by: Functions = OURS
) -> Any:
    """Σ weightᵢ · −ln p(targetᵢ | tokens up to i) of one document."""
    keys: list[Any] = []
    values: list[Any] = []
    losses = []
    for token, place, target, weight in zip(tokens, model["places"], targets, weights, strict=False):
        x = plus(by.take(model["tokens"], token), place)
        h = normed(x)
        keys.append(linear(model["key"], h))
        values.append(linear(model["value"], h))
        x = plus(x, linear(model["mix"], attended(linear(model["query"], h), keys, values, by.softmax)))
        hidden = [by.relu(number) for number in linear(model["up"], normed(x))]
        x = plus(x, linear(model["down"], hidden))
        losses.append(weight * by.cross_entropy(linear(model["head"], normed(x)), target))
    return sum(losses)
