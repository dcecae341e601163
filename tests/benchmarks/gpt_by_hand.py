"""The GPT of `gpt` twice more: in plain floats, its derivatives written by hand, and in PyTorch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tests.benchmarks.gpt import ADAM, EPSILON, HEADS, SHAPES, SIZE, WIDTH, Model, flat

Numbers = list[float]


# ---- plain floats: what a function gives back of the gradient of its result -----------------------------------------


def dot(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Σ xᵢ yᵢ."""
    return math.fsum(x * y for x, y in zip(xs, ys, strict=True))


def times(rows: Sequence[Numbers], x: Numbers) -> Numbers:
    """W x."""
    return [dot(row, x) for row in rows]


def times_back(rows: Sequence[Numbers], x: Numbers, dout: Numbers, drows: Sequence[Numbers]) -> Numbers:
    """∂W += δ xᵀ, ∂x = Wᵀ δ."""
    for drow, d in zip(drows, dout, strict=True):
        add(drow, [d * number for number in x])
    return [dot(column, dout) for column in zip(*rows, strict=True)]


def add(to: Numbers, more: Sequence[float]) -> None:
    """Add to a list in place."""
    to[:] = [a + b for a, b in zip(to, more, strict=True)]


def scale_of(x: Numbers) -> float:
    """1 / root mean square."""
    return 1 / math.sqrt(dot(x, x) / len(x) + EPSILON)


def normed(x: Numbers) -> Numbers:
    """The numbers times the scale: y = s x."""
    return [scale_of(x) * number for number in x]


def normed_back(x: Numbers, dout: Numbers) -> Numbers:
    """∂x = s (δ − y mean(y δ))."""
    y, s = normed(x), scale_of(x)
    along = dot(y, dout) / len(x)
    return [s * (d - number * along) for d, number in zip(dout, y, strict=True)]


def softmax(scores: Numbers) -> Numbers:
    """pᵢ = exp zᵢ / Σ exp z."""
    raised = [math.exp(score - max(scores)) for score in scores]
    return [one / math.fsum(raised) for one in raised]


def parts(row: Sequence[float]) -> list[Sequence[float]]:
    """The numbers of each head."""
    return [row[first : first + SIZE] for first in range(0, WIDTH, SIZE)]


def by_hand(model: Model, tokens: Sequence[int], targets: Sequence[int], weights: Sequence[float]) -> Any:
    """The loss of one document and its gradient, a table for each of the model's."""
    gradient = {name: [[0.0] * columns for _ in range(rows)] for name, (rows, columns) in SHAPES.items()}
    saved, keys, values, total = [], [], [], 0.0
    for place, (token, target, weight) in enumerate(zip(tokens, targets, weights, strict=True)):
        x = [a + b for a, b in zip(model["tokens"][token], model["places"][place], strict=True)]
        h = normed(x)
        query = times(model["query"], h)
        keys.append(times(model["key"], h))
        values.append(times(model["value"], h))
        shares, seen = [], []
        for head, own in enumerate(parts(query)):
            shares.append(softmax([dot(own, parts(key)[head]) / math.sqrt(SIZE) for key in keys]))
            seen += [dot(shares[-1], column) for column in zip(*(parts(value)[head] for value in values), strict=True)]
        middle = [a + b for a, b in zip(x, times(model["mix"], seen), strict=True)]
        raised = times(model["up"], normed(middle))
        hidden = [max(number, 0.0) for number in raised]
        last = [a + b for a, b in zip(middle, times(model["down"], hidden), strict=True)]
        chances = softmax(times(model["head"], normed(last)))
        total -= weight * math.log(chances[target])
        saved.append((x, h, query, shares, seen, middle, raised, hidden, last, chances))

    dkeys, dvalues = ([[0.0] * WIDTH for _ in keys] for _ in range(2))
    for place in reversed(range(len(saved))):  # a key gets its last share of the gradient at its own place
        x, h, query, shares, seen, middle, raised, hidden, last, chances = saved[place]
        dlogits = [weights[place] * (p - (token == targets[place])) for token, p in enumerate(chances)]
        dlast = normed_back(last, times_back(model["head"], normed(last), dlogits, gradient["head"]))
        dhidden = times_back(model["down"], hidden, dlast, gradient["down"])
        draised = [d if number > 0 else 0.0 for d, number in zip(dhidden, raised, strict=True)]
        dmiddle = normed_back(middle, times_back(model["up"], normed(middle), draised, gradient["up"]))
        add(dmiddle, dlast)
        dseen, dquery = times_back(model["mix"], seen, dmiddle, gradient["mix"]), []
        for head, (share, dout) in enumerate(zip(shares, parts(dseen), strict=True)):
            where = slice(head * SIZE, (head + 1) * SIZE)
            dshare = [dot(dout, value[where]) for value in values[: place + 1]]
            mean = dot(share, dshare)
            dscores = [p * (d - mean) / math.sqrt(SIZE) for p, d in zip(share, dshare, strict=True)]
            for earlier, (p, d) in enumerate(zip(share, dscores, strict=True)):
                dvalues[earlier][where] = [a + p * b for a, b in zip(dvalues[earlier][where], dout, strict=True)]
                dkeys[earlier][where] = [a + d * b for a, b in zip(dkeys[earlier][where], query[where], strict=True)]
            dquery += [dot(dscores, column) for column in zip(*(key[where] for key in keys[: place + 1]), strict=True)]
        dh = [0.0] * WIDTH
        for name, dout in (("query", dquery), ("key", dkeys[place]), ("value", dvalues[place])):
            add(dh, times_back(model[name], h, dout, gradient[name]))
        dx = normed_back(x, dh)
        add(dx, dmiddle)
        add(gradient["tokens"][tokens[place]], dx)
        add(gradient["places"][place], dx)
    return total, gradient


def mean_by_hand(model: Model, documents: Sequence[Any]) -> tuple[float, Numbers]:
    """The mean of the losses of documents, and its gradient as one list."""
    found = [by_hand(model, *document) for document in documents]
    columns = zip(*(flat(gradient) for _, gradient in found), strict=True)
    return math.fsum(loss for loss, _ in found) / len(found), [math.fsum(column) / len(found) for column in columns]


class Adam:
    """Adam on lists of floats (Kingma and Ba 2015)."""

    def __init__(self, count: int) -> None:
        self.steps, self.mean, self.square = 0, [0.0] * count, [0.0] * count

    def moved(self, weights: Numbers, gradient: Numbers) -> Numbers:
        """The weights after one more step."""
        (beta1, beta2), rate, self.steps = ADAM["betas"], ADAM["lr"], self.steps + 1
        self.mean = [beta1 * m + (1 - beta1) * g for m, g in zip(self.mean, gradient, strict=True)]
        self.square = [beta2 * v + (1 - beta2) * g * g for v, g in zip(self.square, gradient, strict=True)]
        first, second = 1 - beta1**self.steps, 1 - beta2**self.steps
        return [
            w - rate * (m / first) / (math.sqrt(v / second) + ADAM["eps"])
            for w, m, v in zip(weights, self.mean, self.square, strict=True)
        ]


def shaped(numbers: Sequence[float]) -> Model:
    """A model of numbers in one list, the inverse of `flat`."""
    given = iter(numbers)
    return {
        name: [[next(given) for _ in range(columns)] for _ in range(rows)] for name, (rows, columns) in SHAPES.items()
    }


# ---- PyTorch --------------------------------------------------------------------------------------------------------


def torch_loss(params: Sequence[Any], tokens: Any, targets: Any, weights: Any) -> Any:
    """The mean over documents, all at once; `params` are tensors in the order of SHAPES."""
    import torch
    from torch.nn.functional import cross_entropy, linear, rms_norm, scaled_dot_product_attention

    table, places, query, key, value, mix, up, down, head = params
    count, length = tokens.shape

    def normed(x: Any) -> Any:
        return rms_norm(x, (WIDTH,), eps=EPSILON)

    x = table[tokens] + places[:length]
    h = normed(x)
    heads = [linear(h, rows).view(count, length, HEADS, SIZE).transpose(1, 2) for rows in (query, key, value)]
    seen = scaled_dot_product_attention(*heads, is_causal=True).transpose(1, 2).reshape(count, length, WIDTH)
    x = x + linear(seen, mix)
    x = x + linear(torch.relu(linear(normed(x), up)), down)
    logits = linear(normed(x), head)
    losses = cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1), reduction="none")
    return losses.dot(weights.view(-1)) / count
