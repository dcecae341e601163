"""Modes hold where their body runs, and nowhere else: blocks, decorated functions of every kind, threads, tasks."""

import asyncio
import functools
import gc
import inspect
import threading
import weakref

import pytest

import microgradnn as m
from microgradnn import Value, detect_anomaly, grad, maximum, no_grad, sqrt, where
from microgradnn.context import current, inside, recording
from microgradnn.vectors import dots


def records():
    return current().record


def plain(given=None):
    return [records()]


def generator(given=None):
    seen = [records()]
    while given is not None:
        given = yield given
        seen.append(records())
    return seen


class Pause:
    """What a coroutine waits for without an event loop."""

    def __await__(self):
        yield "paused"


async def coroutine(given=None):
    seen = [records()]
    while given:
        await Pause()
        seen.append(records())
        given -= 1
    return seen


async def async_generator(count):
    for _ in range(count):
        yield records()
        await Pause()
        yield records()


def finished(steps):
    """Run a generator or a coroutine to its end; nothing that it does is seen between its steps."""
    while True:
        try:
            steps.send(None)
        except StopIteration as end:
            return end.value
        assert records()


def gathered(steps):
    """All that an async generator yields."""
    found = []
    while True:
        step = steps.__anext__()
        try:
            found.append(finished(step))
        except StopAsyncIteration:
            return found


# ---- what a decorator reaches -------------------------------------------------------------------------------------


def test_a_decorated_generator_computes_in_the_mode_and_lends_it_to_nobody():
    @no_grad()
    def squares(x):
        for n in range(3):
            yield n * x * x

    x = Value(2.0)
    for square in squares(x):
        assert square.operands == ()
        assert (x * x).operands == (x, x)


def test_a_decorated_generator_is_sent_to_thrown_into_closed_and_returns():
    seen = []

    @no_grad()
    def counter():
        total = 0.0
        try:
            while True:
                try:
                    total += yield total
                except KeyError:
                    seen.append(("thrown", records()))
                if total > 5:
                    return total
        finally:
            seen.append(("ended", records()))

    running = counter()
    assert (next(running), running.send(2.0), running.throw(KeyError()), records()) == (0.0, 2.0, 2.0, True)
    with pytest.raises(StopIteration) as end:
        running.send(4.0)
    assert end.value.value == 6.0
    closed = counter()
    next(closed)
    closed.close()
    thrown = counter()
    next(thrown)
    with pytest.raises(ZeroDivisionError):
        thrown.throw(ZeroDivisionError())
    assert seen == [("thrown", False), ("ended", False), ("ended", False), ("ended", False)]
    assert records()


def test_a_decorated_coroutine_computes_in_the_mode_between_its_pauses():
    assert finished(no_grad()(coroutine)(2)) == [False, False, False]
    running = no_grad()(coroutine)(1)
    running.send(None)
    running.close()
    assert records()


def test_a_decorated_async_generator_computes_in_the_mode():
    assert gathered(no_grad()(async_generator)(2)) == [False] * 4
    seen = []

    @no_grad()
    async def watched():
        while True:
            try:
                seen.append((yield records()))
            except KeyError:
                seen.append(records())
            except GeneratorExit:
                await Pause()
                seen.append(records())
                raise

    running = watched()
    assert finished(running.asend(None)) is False
    assert finished(running.asend("sent")) is False
    assert finished(running.athrow(KeyError())) is False
    finished(running.aclose())
    assert seen == ["sent", False, False]
    assert records()


def test_tasks_that_wait_for_each_other_keep_their_modes():
    async def both():
        @no_grad()
        async def off(mine, other):
            mine.set()
            await other.wait()
            return records()

        async def on(mine, other):
            await other.wait()
            seen = records()
            mine.set()
            return seen

        first, second = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(off(first, second), on(second, first))

    assert asyncio.run(both()) == [False, True]


class Called:
    """An object whose call is a generator."""

    def __call__(self, given):
        return (yield from generator(given))


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (plain, inspect.isfunction), (generator, inspect.isgeneratorfunction), (coroutine, inspect.iscoroutinefunction),
        (async_generator, inspect.isasyncgenfunction), (Called(), inspect.isgeneratorfunction),
        (functools.partial(generator), inspect.isgeneratorfunction),
    ],
    ids=["plain", "generator", "coroutine", "async generator", "callable object", "partial"],
)  # fmt: skip
def test_a_decorated_function_is_of_the_same_kind_also_when_decorated_twice(function, kind):
    once = no_grad()(function)
    twice = detect_anomaly()(once)
    assert kind(once)
    assert kind(twice)
    assert twice.__wrapped__.__wrapped__ is function
    result = twice(1)
    if function is async_generator:
        assert gathered(result) == [False, False]
    else:
        assert (result if function is plain else finished(result))[0] is False
    assert records()


@pytest.mark.parametrize("wrong", [3, Value(1.0), Value, staticmethod(plain), classmethod(plain)])
def test_what_is_no_function_is_not_decorated(wrong):
    with pytest.raises(
        TypeError, match=r"no_grad\(\) and its like decorate a function, got .*: decorate methods one by one"
    ):
        no_grad()(wrong)


def test_an_exception_that_leaves_a_decorated_generator_is_freed_with_its_last_name():
    class FailureError(Exception):
        pass

    def failed():
        running = no_grad()(generator)(1)
        next(running)
        try:
            running.throw(FailureError())
        except FailureError as failure:
            return weakref.ref(failure)

    gc.collect()
    gc.disable()
    try:
        assert failed()() is None
    finally:
        gc.enable()


# ---- entering again ------------------------------------------------------------------------------------------------


def test_one_switch_is_entered_again_nested_and_after_an_exception():
    off, on = no_grad(), recording()
    for _ in range(2):
        with off:
            with on, off:
                with off:
                    assert not records()
                assert not records()
            assert not records()
        assert records()
        with pytest.raises(KeyError), off:
            raise KeyError
        assert records()


def test_a_decorated_function_may_call_itself():
    @no_grad()
    def depth(n):
        return n and 1 + depth(n - 1) + records()

    assert depth(20) == 20
    assert records()


def test_one_switch_in_several_threads():
    off, wrong = no_grad(), []
    together = threading.Barrier(4, timeout=60)

    def work():
        for _ in range(50):
            together.wait()
            with off:
                together.wait()
                wrong.extend([True] * records())
            wrong.extend([True] * (not records()))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_blocks_that_end_out_of_turn_end_alone():
    """A generator that is suspended inside a block of its own lends the mode on; its end takes no other mode along."""

    def lending(switch):
        with switch:
            yield

    for own, outer in [(no_grad(), detect_anomaly()), (no_grad(), no_grad()), (no_grad(), recording())]:
        expected = current()._replace(**outer._changes)
        running = lending(own)
        next(running)
        with outer:
            running.close()
            assert current() == expected
        assert current() == current().__class__()


def test_a_block_that_ends_in_another_context_changes_nothing_there():
    def lending():
        with no_grad():
            yield

    running = lending()
    thread = threading.Thread(target=next, args=(running,))
    thread.start()
    thread.join()
    with no_grad():
        running.close()
        assert not records()
    assert records()


def test_modules_inside_each_other_and_a_mode_between_them():
    with inside("net"), no_grad(), inside("0"), recording():
        assert (current().path, current().record) == ("net.0", True)
    assert current().path is None


def test_detect_anomaly_says_nothing_of_what_was_not_taken():
    """No contribution reaches it, so its infinite partial makes no nan."""
    x = Value(0.0)
    with detect_anomaly():
        for f in (lambda x: where(x, sqrt(x), 0.0), lambda x: maximum(sqrt(x * x), 2.0), lambda x: 0.0 * sqrt(x)):
            f(x).backward()
            assert (x.grad, grad(f)(0.0)) == (0.0, 0.0)


def test_a_function_that_returns_a_generator_or_a_coroutine_runs_it_in_the_mode():
    x = Value(3.0)

    def numbers():
        yield x * x
        yield x * 2

    @functools.wraps(numbers)
    def wrapped():
        return numbers()

    assert [value.operands for value in no_grad()(wrapped)()] == [(), ()]
    assert [len(value.operands) for value in wrapped()] == [2, 2]

    async def later():
        return x * x

    assert asyncio.run(no_grad()(lambda: later())()).operands == ()


def in_threads(*actions):
    errors = []

    def guarded(action):
        try:
            action()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_no_grad_records_nothing_and_ends_also_by_an_exception():
    x = Value(3.0)
    with no_grad():
        assert (x * x).operands == ()
        assert m.dot([x], [x]).primitive is None
        with recording():
            assert (x * x).operands == (x, x)
        assert (x * x).operands == ()
    with pytest.raises(ZeroDivisionError), no_grad():
        x / 0
    assert (x * x).operands == (x, x)


def test_gates_carry_the_path_of_the_module_at_work_also_where_nothing_is_recorded():
    """Which tells what a module computed from what it learns: under `no_grad` both are leaves."""
    x = Value(0.5)
    for context in (recording, no_grad):
        with context(), inside("net"), inside("0"):
            outs = [-x, x * 2, 2 - x, m.tanh(x), m.atan2(x, x), m.maximum(x, 1, x), m.dot([x, 1.0], [x, 2.0])]
            outs += [out for row in dots([[x, x]], [[1.0, 2.0], [x, x]], [x]) for out in row]
        assert [out.path for out in outs] == ["net.0"] * 9
        with context():
            assert (x * 2).path == (None if context is recording else "no_grad")


def test_no_grad_is_per_context():
    x, barrier = Value(3.0), threading.Barrier(2, timeout=10)

    def silent():
        with no_grad():
            barrier.wait()
            assert (x * x).operands == ()
            barrier.wait()

    def recorded():
        barrier.wait()
        assert (x * x).operands == (x, x)
        barrier.wait()

    in_threads(silent, recorded)
