"""Generated source: tracebacks show its lines, and it is gone with its function."""

import gc
import linecache
import traceback
import weakref

from microgradnn.compiler.source import load

INVERSE = "def inverse(x):\n    return 1 / x  # of {}\n"


def shown(function):
    """The traceback of calling `function` on 0."""
    try:
        function(0)
    except ZeroDivisionError:
        return traceback.format_exc()


def test_tracebacks_show_its_lines(monkeypatch):
    monkeypatch.setattr(linecache, "cache", dict(linecache.cache))  # it is cleared below
    functions = [load(INVERSE.format(name), "inverse", {}) for name in "ab"]
    for _ in range(2):
        for name, function in zip("ab", functions, strict=True):
            assert f"    return 1 / x  # of {name}\n" in shown(function)
        linecache.checkcache()
    linecache.clearcache()
    assert "    return 1 / x  # of a\n" in shown(functions[0])


def test_the_names_of_what_it_calls_do_not_decide_whose_source_is_shown():
    assert "    return 1 / x  # of c\n" in shown(load(INVERSE.format("c"), "inverse", {**vars(linecache)}))


def test_its_end_takes_nothing_out_of_linecache():
    """The standard library walks over the names in that cache, and each has to stay until it is reached."""
    function = load(INVERSE.format("d"), "inverse", {})
    shown(function)
    listed = set(linecache.cache)
    assert function.__code__.co_filename in listed
    gone = weakref.ref(function)
    del function
    gc.collect()
    assert gone() is None
    assert listed <= set(linecache.cache)


def test_what_was_never_shown_leaves_nothing_behind():
    listed = set(linecache.cache)
    for number in range(100):
        load(INVERSE.format(number), "inverse", {})(1)
    gc.collect()
    assert set(linecache.cache) == listed
