"""Every public name has a signature and a docstring: a sentence, what its parameters are, and an example.

The names are found, not listed: those in `__all__` of any module, the classes that public functions give back, and the
public methods and properties of all these classes. The examples are run as doctests, those of the gates, which are
written from the table, by test_operations.
"""

import importlib
import importlib.util
import inspect
import pydoc
import re
import sys
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace

import pytest

import microgradnn
from microgradnn import Value, hints

PACKAGE = Path(microgradnn.__file__).parent
BESIDE_ALL = ["abs", "compile", "sum"]  # public as well: in a star import they would shadow builtins
NEED = {"sklearn": "sklearn", "strategies": "hypothesis"}  # what a module, or one in its folder, cannot do without
MANY = 4  # of more parameters there is a list, "- `name`: what it is"


# ---- what is public --------------------------------------------------------------------------------------------------


def modules():
    """The modules that say by `__all__` what of them is public."""
    for path in sorted(PACKAGE.rglob("*.py")):
        rooms = path.relative_to(PACKAGE.parent).with_suffix("").parts
        there = all(importlib.util.find_spec(NEED[room]) for room in rooms if room in NEED)
        if there and re.search("^__all__ ", path.read_text(encoding="utf-8"), re.MULTILINE):
            yield importlib.import_module(".".join(rooms).removesuffix(".__init__"))


def is_ours(thing):
    return isinstance(thing, type) and (thing is Value or thing.__module__.startswith("microgradnn."))


def given_back(function):
    """The classes of the package in what a function says it gives."""
    everywhere = {
        kind.__name__: kind
        for name, module in list(sys.modules.items())
        if name.startswith("microgradnn.")
        for kind in vars(module).values()
        if is_ours(kind) and kind.__module__ == name
    }
    known = everywhere | vars(sys.modules[function.__module__])
    words = re.findall(r"\w+", str(getattr(inspect.unwrap(function), "__annotations__", {}).get("return")))
    return [known[word] for word in words if is_ours(known.get(word))]


def lines_of_descent(kind):
    return [base for base in kind.__mro__ if is_ours(base)]


def is_member(name, attribute):
    """Whether an attribute of a class is a public method or property."""
    kinds = (property, cached_property, classmethod, staticmethod)
    return name[0] != "_" and (
        isinstance(attribute, kinds) or (callable(attribute) and not isinstance(attribute, type))
    )


def subjects():
    """All that must be documented, each once, by name: the thing, its class, and whether users call the thing."""
    public = {
        f"{module.__name__}.{name}": getattr(module, name)
        for module in modules()
        for name in module.__all__ + BESIDE_ALL * (module is microgradnn)
    }
    found = {id(thing): (name, thing, None, True) for name, thing in reversed(public.items()) if callable(thing)}
    for _, function, _, _ in list(found.values()):
        for kind in [] if isinstance(function, type) else given_back(function):
            found.setdefault(id(kind), (f"{kind.__module__}.{kind.__name__}", kind, None, False))
    for _, kind, _, _ in list(found.values()):
        for base in lines_of_descent(kind) if isinstance(kind, type) else ():
            for name, attribute in vars(base).items():
                if is_member(name, attribute):
                    found.setdefault(
                        id(attribute), (f"{base.__module__}.{base.__name__}.{name}", attribute, base, True)
                    )
    return {name: what for name, *what in found.values()}


# ---- what is asked of it ---------------------------------------------------------------------------------------------


def function_of(thing):
    """The function in a method or property."""
    if isinstance(thing, (classmethod, staticmethod)):
        return thing.__func__
    return thing.fget if isinstance(thing, property) else thing.func if isinstance(thing, cached_property) else thing


def docstring(thing):
    return inspect.cleandoc(vars(thing).get("__doc__") or "" if isinstance(thing, type) else thing.__doc__ or "")


def parameters(thing, owner):
    """The names of the parameters that a caller gives."""
    names = [*inspect.signature(function_of(thing)).parameters]
    bound = owner is not None and not isinstance(thing, staticmethod)  # then the first one is the object or its class
    return names[bound:]


def complaints(name, thing, owner=None, called=True):
    """What a docstring lacks. A method may be explained by the one that it overrides and by its class."""
    function, member = function_of(thing), name.rpartition(".")[2]
    own = docstring(function)
    if not own:
        return [f"{name} has no docstring"]
    found = []
    if not own.splitlines()[0].endswith((".", ":")):
        found.append(f"{name} does not begin with a sentence in a line")
    above = lines_of_descent(owner)[1:] if owner else []
    overridden = [docstring(function_of(vars(base)[member])) for base in above if member in vars(base)]
    classes = [docstring(kind) for kind in [owner, *above] if kind]
    uses = re.findall(r"^(?:>>>|\.\.\.) (.*)", "\n".join(classes), re.MULTILINE)
    if ">>>" not in "\n".join([own, *overridden]) and not re.search(rf"\.{member}\b", "\n".join(uses)):
        found.append(f"{name} has no example")
    if isinstance(thing, (property, cached_property)) or not called or inspect.isabstract(thing):
        return found
    try:
        names = parameters(thing, owner)
    except (TypeError, ValueError) as error:
        return [*found, f"{name} has no signature: {error}"]
    text = "\n".join([own, *overridden, *classes])
    # The operands of a gate stand in its formula, as ∂out/∂x.
    is_gate = getattr(function, "__module__", "") == "microgradnn.operations"
    explained = set(re.findall(r"\w+", text if is_gate else " ".join(re.findall("`([^`]+)`", text))))
    found += [f"{name} does not explain `{parameter}`" for parameter in names if parameter not in explained]
    if len(names) > MANY and not overridden:
        listed = re.findall(r"\w+", " ".join(re.findall(r"^- ((?:`\w+`(?:, )?)+):", own, re.MULTILINE)))
        found += [f"{name} does not list `{parameter}`" for parameter in names if parameter not in listed]
    return found


def test_every_public_name_is_documented():
    found = [complaint for name, what in subjects().items() for complaint in complaints(name, *what)]
    assert "\n".join(found) == ""


def test_names_of_all_kinds_are_found():
    found = {name.removeprefix("microgradnn.") for name in subjects()}
    assert found > {
        "fit", "compile", "tanh", "value.Value.backward", "value.Value.named", "value.Value.partials", "nn.Linear",
        "nn.init.normal", "nn.functional.relu", "nn.module.Module.train", "optim.SGD", "compiler.program.Program.hvp",
        "training.history.History.load", "drawing.Drawing.save", "stepping.Steps", "checks.Report",
        "plots.plot_history", "micrograd.Value", "primitive", "primitive.Primitive.partials", "watching.Watch.charts",
    }  # fmt: skip
    assert not [name for name in found if name.rpartition(".")[2].startswith("_")]
    assert len(found) > 350


# ---- each thing that may be wrong is seen ----------------------------------------------------------------------------


def right(first, second):
    """The sum of `first` and `second`.

    >>> right(1, 2)
    3
    """
    return first + second


def without_a_docstring(first):
    return first


def without_a_sentence(first):
    """`first` as it is
    >>> without_a_sentence(1)
    1
    """  # noqa: D205, D400  as it should not be
    return first


def without_a_parameter(first, second):
    """The sum of `first` and the second.

    >>> without_a_parameter(1, 2)
    3
    """
    return first + second


def without_an_example(first):
    """What is `first`."""
    return first


def many(a, b, c, d, e):
    """The sum of `a`, `b`, `c`, `d` and `e`.

    - `a`, `b`: numbers
    - `c`: another one

    >>> many(1, 2, 3, 4, 5)
    15
    """
    return a + b + c + d + e


class Right:
    """A number that can `double`.

    >>> Right().double()
    2
    """

    def double(self):
        """Twice the number."""
        return 2

    def half(self):
        """Half of the number."""
        return 0.5

    def add(self, other):
        """The sum with another.

        >>> Right().add(1)
        2
        """
        return 1 + other


@pytest.mark.parametrize(
    ("thing", "owner", "wrong"),
    [
        (right, None, []), (Right, None, []), (Right.double, Right, []),
        (without_a_docstring, None, ["it has no docstring"]),
        (without_a_sentence, None, ["it does not begin with a sentence in a line"]),
        (without_a_parameter, None, ["it does not explain `second`"]),
        (without_an_example, None, ["it has no example"]),
        (many, None, ["it does not list `d`", "it does not list `e`"]),
        (Right.half, Right, ["it.half has no example"]),
        (Right.add, Right, ["it.add does not explain `other`"]),
        (SimpleNamespace(__doc__=right.__doc__), None, ["it has no signature"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(thing, owner, wrong):
    name = f"it.{thing.__name__}" if owner else "it"
    assert [complaint.partition(": ")[0] for complaint in complaints(name, thing, owner)] == wrong


# ---- what `help` shows -----------------------------------------------------------------------------------------------


def test_help_of_value_begins_with_what_a_user_does():
    page = pydoc.plain(pydoc.render_doc(Value))
    beginning = page.split("Methods defined here")[0]
    for what in ['Value(2.0, "x")', "f.backward()", "x.grad", "f.forward()", '.named("q")', "microgradnn.draw(f)"]:
        assert what in beginning
    assert "Method resolution order" not in page
    shown = re.findall(r"^ \|  (\w+)", page, re.MULTILINE)
    assert {"backward", "data", "tanh", "operands"} <= set(shown)
    assert not [name for name in shown if re.match(r"_[^_]", name)]
    for name in set(hints.HINTS["Value"]) & set(shown):  # what is not there is not shown as if it were
        assert f"Value has no {name}: " in page


def test_help_of_a_gate_tells_its_derivative_and_its_domain():
    page = pydoc.plain(pydoc.render_doc(microgradnn.log))
    assert "log(x)" in page
    assert "∂out/∂x = 1 / x" in page
    assert "Defined for x > 0; ValueError elsewhere." in page
