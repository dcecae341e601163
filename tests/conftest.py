"""What several test modules need: a headless Chromium, and a table of primitives that is left as it was found.

Property tests see the same examples in every run, keep no database of them and are not timed: a run is as good on a
busy machine as on an idle one. Plain pytest takes few examples, and samples of long tables; `pytest -m ""
--hypothesis-profile=many` takes all.
"""

import gc
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

from microgradnn.primitive import scratch_table
from tests.browser import headless

collect_ignore = ["users"]  # programs that tests run, each in a process of its own

settings.register_profile(  # a test that wants more examples takes a multiple of them
    "few",
    max_examples=5, derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
settings.register_profile("many", settings.get_profile("few"), max_examples=30)
settings.load_profile("few")


@pytest.hookimpl(tryfirst=True)  # before `-m` is heard
def pytest_collection_modifyitems(items):
    """Of a test that is marked `sampled(n)` the first case and every n-th after it stay; the others are slow."""
    seen = Counter()
    for item in items:
        if sampled := item.get_closest_marker("sampled"):
            name, _, _ = item.nodeid.partition("[")
            if seen[name] % sampled.args[0]:
                item.add_marker("slow")
            seen[name] += 1


def pytest_collection_finish():
    """What is there before the first test stays, and no collection of garbage looks at it again: half of their time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item, nextitem):
    """So does what a file of tests leaves behind."""
    if nextitem is None or nextitem.path != item.path:
        pytest_collection_finish()


def pytest_make_parametrize_id(config, val, argname):
    """Ids that are the same in every process: of what would be named by its address, the name or the kind."""
    if callable(val) or " at 0x" in repr(val):
        return getattr(val, "__name__", type(val).__name__)
    return None


class ForEveryTest:
    """Fixtures in this file reach the tests beside it; those of a plugin reach the doctests of the package too."""

    @pytest.fixture(autouse=True)
    def leave_the_table_as_it_was(self):
        with scratch_table():
            yield


def pytest_configure(config):
    config.pluginmanager.register(ForEveryTest())


@pytest.fixture(scope="module")
def chromium():
    """A browser that goes with the module, as its event loop stands in the way of tests that run their own."""
    with headless() as browser:
        yield browser
