"""Random graphs, and all that can be observed of them, as text: two engines are the same where every line is.

`python -m tests.random_graphs SEED COUNT [FIRST]` prints the text of COUNT graphs. Graph NUMBER follows from SEED and
NUMBER alone, so that one in which engines differ is printed by `SEED 1 NUMBER`. Numbers are written by `repr`, so that
every bit counts, and exceptions with their messages.
"""

import copy
import functools
import math
import operator
import pickle
import random
import sys
import threading
import warnings
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np

import microgradnn as m
from microgradnn import Value, functional, micrograd, nn
from microgradnn.context import inside, recording
from microgradnn.graph import Vector, order_with_vectors, topological_order
from microgradnn.primitive import Primitive, gates, lookup, primitive
from microgradnn.value import give_operators

# ---- what graphs are made of ------------------------------------------------------------------------------------


class Bare(Value):
    """A subclass that can hold anything."""


class Empty(Value):
    """A subclass that holds nothing more."""

    __slots__ = ()


class Slotted(Value):
    """A subclass with a slot of its own, and a habit: it counts the gates that it is asked to record."""

    __slots__ = ("asked",)

    def record_gate(self, gate, operands, by_limit=False):
        self.asked = getattr(self, "asked", 0) + 1
        return super().record_gate(gate, operands, by_limit)


class Kept(Value):
    """A subclass whose gates are of the same class."""


give_operators(Kept)


class Own(Value):
    """A subclass that adds in its own way, and takes what it multiplies from the right for twice as much."""

    def __add__(self, other):
        return super().__add__(other).named("own sum")

    def __rmul__(self, other):
        return 2 * other * Value(self.data)


class Doubled(micrograd.Value):
    """A Value of micrograd that multiplies in its own way."""

    def __mul__(self, other):
        return super().__mul__(other) + 0.5


class Float(float):
    """A float, but not by its class."""


class Whole(int):
    """An int, but not by its class."""


class Broken(float):
    """A float that cannot be read."""

    def __float__(self):
        raise LookupError("a broken number")


class Reflecting:
    """No number, with an operator of its own."""

    __radd__ = __rmul__ = __add__ = __mul__ = lambda self, other: "reflected"
    __repr__ = lambda self: "Reflecting()"  # noqa: E731


KINDS = [Value] * 12 + [Bare, Empty, Slotted, Kept, Own, micrograd.Value, micrograd.Value, Doubled]
EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.0, -8.0, 40.0, 709.5, 710.0, -745.0, 1000.0, 1 / 3, 1e16, 1e-16, 1e200]
EDGES += [1e308, -1e308, 5e-324, -5e-324, 1e-300, math.inf, -math.inf, math.nan]
NUMBERS = [True, False, 0, 1, -1, 2, 3, -2, 10**15, 2**53 + 1, Fraction(1, 3), Fraction(-5, 2), Float(0.5), Whole(2)]
NUMBERS += [np.float64(0.5), np.float64(-2), np.float32(0.1), np.float16(1.5), np.int64(3), np.uint8(2), np.bool_(True)]
NUMBERS += [np.longdouble(0.25), Float(0.0), Whole(0), np.float64(0.0)]
WRONG = [10**400, -(10**400), Fraction(10**400), Broken(1.0), "2.0", b"1", None, 1j, [1.0], (1.0, 2.0), {}, {"a": 1.0}]
WRONG += [Decimal("1.5"), np.complex128(1j), np.array(2.0), np.array([1.0, 2.0]), np.array([[1, 2]]), np.array([])]
WRONG += [np.array(["a"]), ..., range(2), float, set(), Reflecting(), np.float64("nan"), np.str_("1")]
BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod]
IN_PLACE = [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow, operator.imod]
UNARY = [operator.neg, operator.pos, operator.abs]
REFUSED = [float, int, round, math.floor, math.sin, operator.index, len, iter, complex, operator.invert, bytes, hash]
REFUSED = REFUSED[:-1] + [np.sin, np.exp, str, repr, bool, copy.copy, vars, sorted]
REFUSED_WITH = [operator.floordiv, operator.matmul, operator.and_, operator.lshift, divmod, operator.getitem, np.add]
REFUSED_WITH += [operator.lt, operator.le, operator.eq, operator.ne, operator.ge, operator.gt, np.multiply, math.hypot]
FUNCTIONS = [*functional.operations.__all__, "softmax", "mean", "dot", "take", "stop_gradient"]
POWERS = [2, 3, 0, -1, 0.5, -0.5, 1 / 3, 2.0, 0.0, 1, -2, True]


@functools.cache
def own_gates():
    """Gates of a user's own: of one, of two, of any number of operands, one that chooses, one whose partial fails."""
    return [
        primitive("cube", lambda x: x * x * x, lambda out, x: 3 * x * x),
        primitive("scaled", lambda x, factor: x * factor, lambda out, x, factor=0.5: factor, None),
        primitive("ramp", lambda x, y: max(x, y), lambda out, x, y: m.step(x - y), lambda out, x, y: 1 - m.step(x - y)),
        primitive("kept", lambda x: x if x > 0 else 0.0, lambda out, x: m.where(x, 1.0, 0.0), source="max({0}, 0.0)"),
        primitive("steep", lambda x: x, lambda out, x: 1 / x),
        primitive("total", lambda *xs: math.fsum(xs), variadic=lambda out, *xs: [1.0 for _ in xs]),
    ]  # fmt: skip


# ---- one graph --------------------------------------------------------------------------------------------------


class Graph:
    """A graph that grows at random, and the text of all that was seen of it."""

    def __init__(self, seed, number):
        self.random = random.Random(f"{seed} {number}")
        self.wild = self.random.choice([0.0, 0.0, 0.02, 0.3])  # how many numbers are edges
        self.wrong = self.random.choice([0.0, 0.02, 0.1])  # how many operands are no numbers
        self.values, self.places, self.lines = [], {}, []

    def make(self):
        """Begin with leaves, grow, and be looked at."""
        for _ in range(self.random.randint(1, 4)):
            self.add_leaf()
        self.grow(self.random.randint(2, 30))
        self.finish()
        return self

    def grow(self, steps, depth=0):
        """Take some steps at random; a block of them may stand in a context of its own."""
        for _ in range(steps):
            if depth < 3 and self.random.random() < 0.03:
                self.in_context(depth)
            else:
                self.random.choices(STEPS, WEIGHTS)[0](self)

    # ---- text ----

    def note(self, words, compute, *operands, **keywords):
        """Call `compute`, and write down what came of it."""
        given = [*map(self.shown, operands), *(f"{name}={self.shown(x)}" for name, x in keywords.items())]
        result = None
        try:
            result = compute(*operands, **keywords)
            came = self.shown(result)
        except Exception as error:
            came = f"{type(error).__name__}{error.args} {error.__cause__} {error.__suppress_context__}"
        self.lines.append(f"{words}({', '.join(given)}) → {came}")
        return result

    def shown(self, x):
        """What `x` is; a Value by its place among all that were met, so that it shows which is which."""
        if isinstance(x, Value):
            if id(x) in self.places:
                return f"v{self.places[id(x)]}"
            self.places[id(x)] = len(self.values)
            self.values.append(x)
            return f"v{self.places[id(x)]} {kind(x)} {x.data!r}"
        if isinstance(x, (list, tuple)):
            return f"{kind(x)}[{', '.join(map(self.shown, x))}]"
        if isinstance(x, dict):
            return str({key: self.shown(value) for key, value in x.items()})
        if isinstance(x, np.ndarray):
            return f"array {x.dtype} {x.shape} {self.shown(x.ravel().tolist())}"
        if isinstance(x, Primitive) or (not isinstance(x, (type, np.ufunc)) and not callable(x)):
            return f"{kind(x)} {x!r}"
        return getattr(x, "__name__", kind(x))

    def look_at(self, *roots):
        """Write down every node that roots depend on."""
        nodes = topological_order(*roots)
        place = {id(node): number for number, node in enumerate(nodes)}
        for node in nodes:
            seen = [kind(node), repr(node.data), repr(node.grad), node.swept, node.name, node.path, node.primitive]
            seen.append([place.get(id(x), x) if isinstance(x, Value) else (kind(x), x) for x in node.operands])
            seen += [outcome(lambda x: x.partials, node), outcome(lambda x: x.handed, node), node.has_vectors()]
            held = getattr(node, "__dict__", None)
            seen += [held and {name: x for name, x in held.items() if not callable(x)}, getattr(node, "asked", "")]
            self.lines.append(f"  {place[id(node)]}: {' '.join(map(str, seen))}")
        self.lines.append(f"  vectors: {sum(node.__class__ is Vector for node in order_with_vectors(*roots))}")

    # ---- numbers ----

    def number(self):
        """A float, an edge where the graph is wild."""
        if self.random.random() < self.wild:
            return self.random.choice(EDGES)
        return self.random.choice(
            [self.random.uniform(-2, 2), self.random.gauss(0, 1), float(self.random.randint(-2, 3))]
        )

    def value(self):
        """One of the Values, rather a late one, and one that is not far out."""
        for _ in range(3):
            value = self.random.choice(self.values[-10:] if self.random.random() < 0.7 else self.values)
            if self.wild or abs(value.data) < 30:
                break
        return value

    def operand(self):
        """A Value, or a number of any kind, or what is none."""
        chance = self.random.random()
        if chance < self.wrong:
            return self.random.choice(WRONG)
        if chance < 0.12:
            return self.random.choice(NUMBERS)
        return self.number() if chance < 0.3 else self.value()

    def operands(self, count):
        """So many of them, rarely one too many or too few."""
        if self.random.random() < self.wrong:
            count += self.random.choice([-1, 1, 2])
        return [self.operand() for _ in range(count)]

    # ---- steps ----

    def add_leaf(self):
        cls = self.random.choice(KINDS)
        named = {"name": self.random.choice("abc")} if self.random.random() < 0.3 and cls in (Value, Bare, Kept) else {}
        self.note(cls.__name__, cls, self.number(), **named)
        if self.random.random() < self.wrong:
            self.note("Value", Value, *self.operands(1), **self.random.choice([{}, {"name": 3}, {"nam": "x"}]))

    def by_operator(self):
        left, right = self.random.choice(
            [(self.value(), self.operand()), (self.operand(), self.value()), (self.value(), self.value())]
        )
        function = self.random.choice(BINARY[:4] * 3 + BINARY)
        if function is operator.pow and self.random.random() < 0.7:
            right = self.random.choice(POWERS)
        self.note(function.__name__, function, left, right)

    def with_itself(self):
        value = self.value()
        self.note("itself", self.random.choice(BINARY), value, value)

    def by_unary(self):
        function = self.random.choice(UNARY)
        self.note(function.__name__, function, self.value())

    def in_place(self):
        function = self.random.choice(IN_PLACE)
        self.note(function.__name__, function, self.value(), self.operand())

    def by_function(self):
        name = self.random.choice(FUNCTIONS)
        parameters = [*(lookup(name).parameters() if name in functional.operations.__all__ else ["*xs"])]
        function = getattr(m, name)
        if name == "dot":
            width = self.random.randint(1, 4)
            rows = [[self.operand() for _ in range(width)], self.operands(width), *self.operands(1)]
            self.note(name, function, *(rows if self.random.random() < 0.5 else rows[0] + rows[1]))
        elif name == "take":
            table = [self.operand() for _ in range(self.random.randint(1, 4))]
            self.note(name, function, table, self.random.choice([0, 1, 0.0, 1.0, len(table) - 1, self.operand()]))
        elif parameters[0].startswith("*"):
            xs = self.operands(self.random.randint(1, 6))
            self.note(name, function, *(xs if self.random.random() < 0.5 else [xs]))
        else:
            self.call(name, function, parameters)

    def call(self, name, function, parameters):
        """Call a function of a fixed number of operands, some of which may be named or left to their defaults."""
        xs = self.operands(len(parameters))
        if self.random.random() < 0.3:
            split = self.random.randint(0, len(parameters))
            names = [x if self.random.random() > self.wrong else "z" for x in parameters[split : split + 2]]
            self.note(name, function, *xs[:split], **dict(zip(names, xs[split:], strict=False)))
        else:
            self.note(name, function, *xs)

    def by_method(self):
        gate = self.random.choice([gate for gate in gates() if gate.is_method])
        names = [*gate.parameters()][1:]
        if self.random.random() < 0.1:
            self.call(f"Value.{gate.name}", getattr(Value, gate.name), ["x", *names])  # of a number, too
        elif names and self.random.random() < 0.5:
            self.note(f".{gate.name}", getattr(self.value(), gate.name), **{names[0]: self.operand()})
        else:
            extra = self.operands(self.random.choice([0, 0, len(names)]))
            self.note(f".{gate.name}", getattr(self.value(), gate.name), *extra)

    def by_name_of_operator(self):
        name = self.random.choice([gate.operator for gate in gates() if gate.operator and gate.arity == 2])
        method = f"__{self.random.choice(['', 'r', 'i'])}{name}__"
        if self.random.random() < 0.5:
            self.note(method, getattr(self.value(), method), self.operand())
        else:  # with one operand on either side, as Python itself calls it: wrong calls are not the same
            self.note(f"Value.{method}", getattr(Value, method), self.value(), self.operand())

    def by_gate(self):
        gate = self.random.choice([gate for gate in gates() if gate.name != "argmax"] + own_gates())
        xs = self.operands(gate.arity or self.random.randint(1, 5))
        if gate.name in ("select", "cross_entropy") and self.random.random() < 0.8:
            xs = [0.0, *xs]
        self.note(gate.name, self.random.choice([gate, gate.quick]), *xs)

    def add_up(self):
        xs = self.operands(self.random.randint(0, 6))
        self.note("sum of Python", sum, xs, *self.random.choice([(), (0.0,), (-0.0,), (0,), (False,)]))

    def share_much(self):
        def shared(x):
            for _ in range(self.random.randint(2, 40)):
                x = self.random.choice([operator.add, operator.mul])(x, x)
                if abs(x.data) > 4:
                    x = self.random.choice([m.tanh, m.sigmoid, m.softsign, lambda x: x * 0.25, lambda x: 1 / x])(x)
            return x

        self.note("shared", shared, self.value())

    def by_own_operation(self):
        children = tuple(self.value() for _ in range(self.random.randint(1, 3)))
        factor = self.random.choice([2.0, 0.0, -1.5, 1])

        def backward():
            for child in children:
                child.grad += factor * out.grad

        out = self.note("own", micrograd.Value, self.number(), children, self.random.choice(["cube", "", "+"]))
        if isinstance(out, Value) and self.random.random() < 0.8:
            out._backward = backward

    def be_refused(self):
        value, function = self.value(), self.random.choice(REFUSED)
        if self.random.random() < 0.5:
            self.note(function.__name__, function, [value, value] if function is sorted else value)
        else:
            function = self.random.choice(REFUSED_WITH)
            self.note(function.__name__, function, *self.random.sample([value, self.operand()], 2))

    def change(self):
        value = self.value()
        name = self.random.choice(["data", "data", "data", "grad", "name", "path", "operands", "primitive", "extra"])
        new = {"data": self.number(), "grad": None, "name": "n"}.get(name, 1.0)
        if self.random.random() < self.wrong:
            new = self.operand()
        if self.random.random() < 0.9:
            self.note(f"set {name}", setattr, value, name, new)
        else:
            self.note(f"delete {name}", delattr, value, name)
        self.look_at(value) if name != "data" else None

    def sweep(self):
        root = self.value()
        for seed in [self.random.choice([(), (2.0,), (self.operand(),)]), ()][: self.random.randint(1, 2)]:
            self.note("backward", root.backward, *seed)
        self.look_at(root)

    def compute_anew(self):
        root = self.value()
        self.note("forward", root.forward)
        self.look_at(root)

    def copy(self):
        roots = (self.value(), self.value())
        protocol = self.random.randint(2, pickle.HIGHEST_PROTOCOL)
        functions = [copy.deepcopy, copy.copy, lambda x: pickle.loads(pickle.dumps(x, protocol))]
        copies = self.note("copies", self.random.choice(functions), roots)
        if copies is not None:
            self.note("backward", copies[0].backward)
            self.look_at(*copies)
            self.note("class", lambda: copies[0].__class__.__name__)

    def differentiate(self):
        gates = self.random.choices(
            ["add", "multiply", "divide", "tanh", "exp", "relu", "power", "maximum", "log"], k=5
        )
        places = [self.random.choices(range(2 + n), k=2) for n in range(5)]

        def f(x, y):
            numbers = [x, y]
            for name, (a, b) in zip(gates, places, strict=True):
                gate = lookup(name)
                numbers.append(gate.quick(*[numbers[a], numbers[b]][: gate.arity or 2]))
            return numbers[-1] + numbers[-2]

        point = self.random.choice([(self.number(), self.number()), (self.value(), self.number())])
        transform = self.random.choice([
            lambda x, y: m.grad(f, (0, 1))(x, y), lambda x, y: m.hessian(lambda v: f(*v))([x, y]),
            lambda x, y: m.jvp(f, (x, y), (1.0, 0.5)), lambda x, y: m.hvp(lambda v: f(*v), [x, y], [1.0, -1.0]),
            lambda x, y: m.jacobian(lambda x: [f(x, y), x * y])(x), lambda x, y: m.vjp(f, x, y)[1](2.0),
            lambda x, y: [step.sentence for step in m.steps(f(Value(getattr(x, "data", x)), y))],
            lambda x, y: m.compile(f, example=(1.0, 0.5), reduce=None, backend="python")([1.5, 2.0], [0.5, -1.0]),
        ])  # fmt: skip
        derivative = self.note(f"derivative of {gates} {places}", transform, *point)
        if isinstance(derivative, Value):
            self.look_at(derivative)

    def in_layers(self):
        nin, rng = self.random.randint(1, 3), self.random.randint(0, 99)
        activation = self.random.choice(["relu", "tanh", "sigmoid", "leaky_relu", "softmax", "linear"])
        layer = self.note("layer", self.random.choice([
            lambda: nn.Layer(nin, 2, activation, rng=rng, fused=self.random.random() < 0.8),
            lambda: nn.MLP(nin, [3, self.random.randint(1, 2)], rng=rng), lambda: nn.Neuron(nin, rng=rng),
            lambda: nn.Maxout(nin, 2, 2, rng=rng), lambda: micrograd_network(nin, rng),
        ]))  # fmt: skip
        if layer is None:  # none may be made while a module runs
            return
        if isinstance(layer, nn.Layer) and self.random.random() < 0.3:
            layer.bias = None
        if isinstance(layer, nn.Layer) and self.random.random() < 0.2:
            layer.weight[1][0] = self.random.choice([layer.weight[0][0], self.value(), self.value() * 1.0])
        batch = [[self.operand() for _ in range(nin)] for _ in range(self.random.randint(1, 3))]
        batch[0][0] = self.random.choice([0.0, -0.0, 1.0, batch[0][0], batch[-1][-1]])
        x = batch if self.random.random() < 0.6 else batch[0]
        outputs = self.note(f"{layer!r}", layer, x)
        if (flat := flattened(outputs)) and self.random.random() < 0.7:
            loss = self.note("loss", m.sum, flat)
            self.note("backward", getattr(loss, "backward", self.number))
            self.look_at(*[x for x in flat if isinstance(x, Value)], *layer.parameters())

    def in_context(self, depth):
        names = ["no_grad", "detect_anomaly", "inside", "inside", "recording"]
        name = self.random.choice(names)
        switch = {"no_grad": m.no_grad, "detect_anomaly": m.detect_anomaly, "recording": recording}.get(name)
        self.lines.append(f"with {name}:")
        with switch() if switch else inside(self.random.choice(["net", "0"])):
            self.grow(self.random.randint(1, 8), depth + 1)
        self.lines.append("end")

    def deepen(self):
        if self.random.random() < 0.95:  # rarely, as it takes its time
            return
        links = [
            m.tanh,
            m.cos,
            lambda y: y + 0.5,
            lambda y: y * 0.75,
            lambda y: y / 2,
            lambda y: y - x,
            lambda y: y * x,
        ]

        def chain(y):
            for _ in range(self.random.randint(1000, 3000)):
                y = self.random.choice(links)(y)
            return y

        x = self.value()
        self.note("chain", chain, x)

    def in_threads(self):
        if self.random.random() < 0.8:
            return
        shared = Value(2.0, "shared")
        plans = [[self.random.choice([1, 2, 3.0, -1]) for _ in range(20)] for _ in range(3)]
        outputs = [None] * len(plans)

        def work(number):
            x = shared
            with inside(f"thread {number}"):
                for whole in plans[number]:
                    x = x * whole if abs(x.data) < 99 else x - shared
            x.backward()  # of whole numbers, so that the order in which threads add does not tell
            outputs[number] = x

        threads = [threading.Thread(target=work, args=(number,)) for number in range(len(plans))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.note("threads", lambda: outputs)
        self.look_at(shared, *outputs)

    def finish(self):
        """Sweep from some roots, compute one anew from other leaves, and look at everything."""
        for root in [self.values[-1], *self.random.sample(self.values, 1)]:
            self.note("backward", root.backward)
        self.look_at(*self.values)
        leaves = [value for value in self.values if value.primitive is None]
        for leaf in self.random.sample(leaves, min(2, len(leaves))):
            self.note("set data", setattr, leaf, "data", self.number())
        root = self.values[-1]
        self.note("forward", root.forward)
        self.note("backward", root.backward, self.random.choice([1.0, -0.5, 3]))
        self.look_at(root)

    def use(self, values):
        """Sweep some Values, and compute them anew."""
        for root in values[-2:]:
            self.note("backward", root.backward)
        self.look_at(*values)
        self.note("forward", values[-1].forward)
        self.look_at(*values)

    @property
    def text(self):
        """All that was seen."""
        return "\n".join(self.lines)


STEPS, WEIGHTS = zip(*{
    Graph.by_operator: 12, Graph.by_function: 8, Graph.by_method: 4, Graph.by_gate: 4, Graph.add_leaf: 2,
    Graph.by_unary: 1, Graph.with_itself: 1, Graph.in_place: 1, Graph.by_name_of_operator: 1, Graph.add_up: 1,
    Graph.share_much: 0.5, Graph.by_own_operation: 0.4, Graph.be_refused: 0.7, Graph.change: 1.5, Graph.sweep: 1,
    Graph.compute_anew: 0.5, Graph.copy: 0.5, Graph.differentiate: 0.4, Graph.in_layers: 0.5, Graph.deepen: 0.1,
    Graph.in_threads: 0.1,
}.items(), strict=True)  # fmt: skip


def kind(x):
    """The class of `x`; that of a Value tells micrograd's from others."""
    cls = type(x)
    return f"{cls.__module__}.{cls.__qualname__}" if isinstance(x, Value) else cls.__name__


def outcome(compute, *operands):
    """What comes of a call, an exception too."""
    try:
        return compute(*operands)
    except Exception as error:
        return f"{type(error).__name__}{error.args}"


def micrograd_network(nin, seed):
    """A network of micrograd, whose weights come from Python's generator."""
    random.seed(seed)
    return micrograd.MLP(nin, [2, 1])


def flattened(x):
    """The numbers in nested lists."""
    return [inner for member in x for inner in flattened(member)] if isinstance(x, list) else [x] * (x is not None)


def start(compute, *arguments):
    """Print what `compute` yields, where a user's own gates are known."""
    warnings.simplefilter("ignore")  # of NumPy, where a number overflows
    own_gates()
    for text in compute(*arguments):
        print(text, flush=True)


def texts(seed, count, first=0):
    """The text of some graphs."""
    for number in range(int(first), int(first) + int(count)):
        yield f"graph {number}\n{Graph(seed, number).make().text}"


def written(folder, seed, count):
    """The text of graphs from pickles, which are left in a folder; where one cannot be pickled, what it raises."""
    for number in range(count):
        graph = Graph(seed, number).make()
        try:
            pickled = pickle.dumps(graph.values, number % 4 + 2)
        except TypeError as error:  # it has an operation of the user's own
            pickled = pickle.dumps([Value(0.0, str(error))])
        (Path(folder) / f"{number}").write_bytes(pickled)
    yield from read(folder, seed, count)


def read(folder, seed, count):
    """The text of the graphs that were left in a folder."""
    for number in range(count):
        values, graph = pickle.loads((Path(folder) / f"{number}").read_bytes()), Graph(seed, number)
        graph.use(values)
        yield f"graph {number}\n{graph.text}"


if __name__ == "__main__":
    from tests import random_graphs  # so that classes are not those of a module called __main__

    random_graphs.start(random_graphs.texts, *sys.argv[1:])
