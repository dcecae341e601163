"""Gates of no module, folded: by the user's line where it is known, else what repeats as one body, n times.

Gates are of a kind when their primitives agree, and those of their operands. Kinds that follow one another equally
often, as in a loop or a recurrence, are a body. What does not repeat stays a gate of its own where it is little, and
is folded by depth and primitive where it is much. This module knows gates and nothing of layers.
"""

from __future__ import annotations

import operator
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from microgradnn.anomalies import user_line_of
from microgradnn.context import line_text
from microgradnn.graph import Vector
from microgradnn.notation import digits, formula
from microgradnn.value import Value

BANDS = 6  # of depth
OFTEN = 3  # what is there so many times, repeats
MOST_BODIES = 12
MOST_ALONE = 24  # gates that stand by themselves
LONGEST = 40  # letters of a formula
_AGREE = 0.1  # by how much the counts of a body may differ, as a loop begins otherwise than it goes on


class Body(NamedTuple):
    """Gates that are folded into one box."""

    name: str  # for the heading
    gates: list[Value]
    results: list[Value]  # of each repeat its last gate
    repeats: int = 1
    band: int = 0  # of depth; above BANDS it only tells one from the others


def bodies(gates: Sequence[Value]) -> list[Body]:
    """Fold gates, given operands first; each is in one of the bodies.

    >>> h = Value(0.5, "h")
    >>> for _ in range(100):
    ...     h = (2 * h + 1).tanh()
    >>> from microgradnn.graph import topological_order
    >>> [body] = bodies(topological_order(h)[1:])
    >>> body.name, body.repeats, len(body.gates)
    ('tanh(2·h + 1)', 100, 300)
    """
    kinds = _Kinds(gates)
    lines = {gate: user_line_of(gate) for gate in gates} if gates and user_line_of(gates[0]) else {}
    if lines and all(lines.values()):
        by_line: dict[Any, list[Value]] = defaultdict(list)
        for gate, line in lines.items():
            by_line[line].append(gate)
        folded = []
        for same in by_line.values():
            results = kinds.last_of_rounds(same)
            folded.append(Body(_heading(*lines[same[0]]), same, results, len(results)))  # type: ignore[misc]
    else:
        folded = _by_structure(gates, kinds)
    return [body if body.band else body._replace(band=BANDS + 1 + number) for number, body in enumerate(folded)]


def _by_structure(gates: Sequence[Value], kinds: _Kinds) -> list[Body]:
    """What repeats most as bodies, the rest alone or by depth and primitive."""
    grouped: dict[int, list[Value]] = defaultdict(list)
    for gate in gates:
        grouped[kinds.body_of(gate)].append(gate)
    rounds = {number: kinds.last_of_rounds(same) for number, same in grouped.items()}
    repeated = [number for number, results in rounds.items() if len(results) >= OFTEN]
    repeated = sorted(repeated, key=lambda number: -len(grouped[number]))[:MOST_BODIES]
    folded = [
        Body(kinds.written(grouped[number]), grouped.pop(number), rounds[number], len(rounds[number]))
        for number in repeated
    ]
    rest = [gate for gate in gates if kinds.body_of(gate) in grouped]
    if len(rest) <= MOST_ALONE:
        return folded + [Body(gate._primitive.name, [gate], [gate]) for gate in rest]  # type: ignore[union-attr]
    return folded + _by_depth(rest)


def _by_depth(gates: Sequence[Value]) -> list[Body]:
    """A box for each primitive in each band of depth."""
    depth: dict[Any, int] = {}
    for gate in gates:
        depth[gate] = 1 + max((depth.get(x, 0) for x in operands_of(gate)), default=0)
    deepest = max(depth.values())
    bands: dict[tuple[int, str], list[Value]] = defaultdict(list)
    for gate in gates:
        bands[1 + (depth[gate] - 1) * BANDS // deepest, gate._primitive.name].append(gate)  # type: ignore[union-attr]
    return [Body(name, same, same, len(same), band) for (band, name), same in bands.items()]


class _Kinds:
    """The kinds of gates, and which of them are of one body."""

    def __init__(self, gates: Sequence[Value]) -> None:
        numbers: dict[Any, int] = {}
        kind: dict[Value, int] = {}
        self.kind, self.first = kind, dict[int, Value]()
        for gate in gates:
            left, right = gate._left, gate._right
            if gate._primitive.arity not in (1, 2):  # type: ignore[union-attr, operator]
                key: Any = (gate._primitive, frozenset(map(_seen, operands_of(gate))))
            else:
                key = (gate._primitive, _seen(left), None if right is None else _seen(right))
            number = numbers.setdefault(key, len(numbers))
            kind[gate] = number
            self.first.setdefault(number, gate)
        self.keys = [*numbers]
        self.counts = Counter(kind.values())
        self.edges = Counter[Any]()  # how often a kind is an operand of another one, by place
        for (end, *starts), count in Counter((kind[gate], *map(kind.get, operands_of(gate))) for gate in gates).items():
            for place, start in enumerate(starts):
                if start is not None:
                    self.edges[start, end, min(place, 2)] += count
        self.joined = list(range(len(numbers)))
        self._join()
        self._join_beginnings(gates)

    def _join(self) -> None:
        """Join kinds where one is an operand of the other nearly every time, and as often or a few times as often."""
        for (start, end, _), count in self.edges.items():
            fewer, more = sorted((self.counts[start], self.counts[end]))
            times = round(more / fewer)
            agree = times <= 4 and abs(more - times * fewer) <= max(times * (1 + (fewer > 9)), _AGREE * more)
            if fewer >= OFTEN and agree and count >= (1 - _AGREE) * self.counts[end] - 1:
                self.joined[self._end(start)] = self._end(end)

    def _end(self, number: int) -> int:
        joined = self.joined
        while joined[number] != number:
            joined[number] = number = joined[joined[number]]
        return number

    def _join_beginnings(self, gates: Sequence[Value]) -> None:
        """In its first round a loop takes leaves where it later takes gates: such a rare kind becomes the usual one."""
        users: dict[int, set[int]] = defaultdict(set)
        for start, end, _ in self.edges:
            users[start].add(end)
        alike: dict[Any, list[int]] = defaultdict(list)
        for number, (primitive, *_) in enumerate(self.keys):
            alike[self._end(number), primitive].append(number)
        usual: dict[int, int] = {}
        for number in reversed(range(len(self.keys))):  # so that users come first
            if len(bodies := {self._end(usual.get(user, user)) for user in users[number] - {number}}) != 1:
                continue
            [body] = bodies
            same, often = self.keys[number], OFTEN * self.counts[number]
            others = [other for other in alike[body, same[0]] if self.counts[other] >= often]
            if others and body != self._end(number):
                usual[number] = max(others, key=lambda other: sum(map(operator.is_, same, self.keys[other])))
        if usual:
            for gate in gates:
                self.kind[gate] = usual.get(self.kind[gate], self.kind[gate])

    def body_of(self, gate: Value) -> int:
        """The number of its body."""
        return self._end(self.kind[gate])

    def last_of_rounds(self, gates: Sequence[Value]) -> list[Value]:
        """Those of the kind of the last one, with which each round ends."""
        kind, number = self.kind, self.kind[gates[-1]]
        return [gate for gate in gates if kind[gate] == number]

    # ---- the formula of a body ----

    def written(self, gates: Sequence[Value]) -> str:
        """The formula of the last round, as deep as it is short."""
        for depth in (6, 5, 4, 3, 2, 1):
            text = self._text(gates[-1], depth, set()).replace(" × ", "·")
            if len(text) <= LONGEST:
                break
        return text

    def _text(self, gate: Value, depth: int, above: set[int]) -> str:
        first = self.first[self.kind[gate]]
        operands, before = operands_of(gate), operands_of(first)
        above = above | {self.kind[gate]}
        texts = []
        for index, operand in enumerate(operands[:3]):
            other = before[index] if index < len(before) else None
            if operand.__class__ is float:
                texts.append(digits(operand) if operand == other else "c")
            elif operand.__class__ is Vector:
                texts.append("…")
            elif operand not in self.kind:
                texts.append(_letter(operand, other))
            elif self.kind[operand] in above:
                texts.append("h")
            elif self.body_of(operand) != self.body_of(gate):
                texts.append(operand._name or "y")
            else:
                texts.append(self._text(operand, depth - 1, above) if depth > 1 else "…")
        if len(operands) > 3:
            texts[2:] = ["…"]
        if gate._primitive.name in ("add", "subtract"):  # type: ignore[union-attr]  # a product needs no brackets
            texts = [text.replace(" × ", "·") for text in texts]
        return formula(gate._primitive, texts)  # type: ignore[arg-type]


def _letter(operand: Value, other: Any) -> str:
    """A leaf, or what a module gave, by its name: of several the letters that begin it."""
    name = operand._name or ""
    if operand is not other:
        name = name.rstrip("0123456789")
    return name if name and len(name) <= 12 else "w" if operand is other else "x"


def _seen(operand: Any) -> Any:
    """What a gate is told of an operand: the primitive, else whether it is a constant, a leaf or of a module."""
    if not isinstance(operand, Value):
        return operand.__class__
    return operand._primitive if operand._path is None else str


def _heading(filename: str, line: int, function: str) -> str:
    """A function and its line as `function, line n: text`."""
    number, text = line_text(filename, line).partition(f"line {line}")[1:]
    place = f"{number}{text}" if len(text) <= LONGEST else f"{number}{text[:LONGEST]}…"
    return place if function.startswith("<") else f"{function}, {place}"


def operands_of(gate: Any) -> Sequence[Any]:
    """The operands of a gate as they are stored: Values, floats and Vectors."""
    left, right = gate._left, gate._right
    if left.__class__ is tuple:
        return left
    return (left,) if right is None else (left, right)
