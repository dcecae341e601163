"""micrograd's names and habits: a program written for micrograd runs with its import line changed.

>>> from microgradnn.micrograd import MLP, Value
>>> a, b = Value(-4.0, label="a"), Value(2.0, label="b")
>>> c = a * b + b**3
>>> c.backward()
>>> c, a.grad, b.grad
(Value(data=0.0, grad=1.0), 2.0, 8.0)

Four things differ: all numbers are floats; a constant, such as the 2 in 2 * x, is no node; `backward` uses the numbers
of when a gate was recorded, also where `data` was assigned since; and a `_backward` meets blank gradients, to which it
adds. `microgradnn.micrograd.engine` and `.nn` are there by their names, too. Behind them is the engine of this package,
so that a graph can be drawn, stepped, checked and compiled, and mixes with Values of `microgradnn`.
"""

from microgradnn.micrograd.engine import Value
from microgradnn.micrograd.nn import MLP, Layer, Module, Neuron

__all__ = ["MLP", "Layer", "Module", "Neuron", "Value"]
