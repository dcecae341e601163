"""Coming from micrograd: its names and habits, over this engine. A program for it runs with its import line changed.

>>> from microgradnn.micrograd import MLP, Value  # or from its .engine and .nn
>>> a, b = Value(-4.0, label="a"), Value(2.0, label="b")
>>> c = a * b + b**3
>>> c.backward()
>>> c, a.grad, b.grad
(Value(data=0.0, grad=1.0), 2.0, 8.0)

`label`, `_prev`, `_op` and `_children` are there, attributes of your own on a Value, subclasses of it, and networks
that draw their weights from Python's `random` and give a bare Value:

>>> import random
>>> random.seed(1337)
>>> model = MLP(2, [16, 16, 1])
>>> score = model([2.0, 3.0])
>>> score.backward()
>>> len(model.parameters()), score.data == model([2.0, 3.0]).data
(337, True)

Operations with a `_backward` of your own are called in the sweep, and drawn by their `_op`:

>>> import math
>>> def tanh(x):
...     out = Value(math.tanh(x.data), (x,), "tanh")
...     def _backward():
...         x.grad += (1 - out.data**2) * out.grad
...     out._backward = _backward
...     return out
>>> a, b = Value(2.0, label="a"), Value(-0.5, label="b")
>>> c = tanh(a * b) + a
>>> c.backward()
>>> round(a.grad, 4), [v._op for v in c._children]
(0.79, ['tanh', ''])

What you gain
-------------

- In place of `draw_dot(c)` write `draw(c)`, or just `c` in Jupyter; `steps(c)` walks through backprop. Graphviz need
  not be installed.
- `check_grads` says whether the rule of a gate is right, and `explain(c, "a")` why a gradient is what it is.
- A step of micrograd's demo, only its imports changed, is 74 × as fast on the engine in C, and 4.3 × with the cyclic
  collector off, of which micrograd's graphs need much. The tables are in tests/benchmarks/README.md.
- Graphs may be of any depth, as nothing recurses, and a graph is freed when its last name goes.

>>> from microgradnn import steps
>>> print(steps(a * b)[-1])
∂f/∂b += ∂f/∂f · ∂f/∂b = 1 × 2 = 2

What differs
------------

- All numbers are floats: `Value(2).data` is 2.0.
- A constant, such as the 2 in 2 * x, is no node of the graph.
- `backward` uses the numbers of when a gate was recorded, also where `data` was assigned since.
- A second `backward` adds the right gradient once more; in micrograd it adds to what stands in the inner nodes.
- A `_backward` of your own meets blank gradients, to which it adds. Such an operation has no second derivative, and is
  neither checked, copied nor compiled, as only its `_backward` is known: a gate of your own, `primitive`, is. Checks
  and transforms compute with Values of their own, so they do not see a method that you put in place of one of Value.
- After `p.data -= …`, `draw`, `steps` and `explain` of a loss want `loss.forward()` first, as its numbers are old.

When you want more
------------------

These Values mix with those of `microgradnn`, whose Value is the same without micrograd's habits, and its networks have
losses, optimisers and `fit`: see `microgradnn.nn`. There `label` is `name`, and a neuron is one gate:

>>> import microgradnn as mg
>>> x = mg.Value(2.0, "x")
>>> (x * a).backward()
>>> x.grad
2.0
"""

from microgradnn.hints import answering as _answering
from microgradnn.micrograd.engine import Value
from microgradnn.micrograd.nn import MLP, Layer, Module, Neuron

__all__ = ["MLP", "Layer", "Module", "Neuron", "Value"]
__getattr__ = _answering(__name__, __all__)
