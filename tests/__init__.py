"""Working on the repository: how it is set up, tested and checked, and what is written by scripts.

To begin, in an environment of its own::

    pip install -e ".[all]" pandas playwright ruff mypy
    pytest

The first line installs what the suite needs and builds the engine in C in place. Some tests want Debian's `chromium`,
node, or pdflatex with beamer besides.

- `pytest` runs what the extra [test] is enough for. By marker it leaves out what needs a browser, JAX, PyTorch,
  scikit-learn, matplotlib, JupyterLab, LaTeX or node, and what takes more than a few seconds; the markers are in
  pyproject.toml.
- `pytest -m ""` runs everything; `pytest -m torch` what one marker stands for.
- `MICROGRADNN_ENGINE=python pytest` runs it on the engine in Python; `native` refuses to run without the one in C.
- `ruff check . && ruff format .`, and `mypy --strict microgradnn tests/typed_use.py`.

`.ci/run` is what has to be green before a change lands, without a test skipped. From a bare machine it runs, by stages
of which each can run alone, as `.ci/run style`:

- `plain`: the README's commands, in a fresh environment with nothing else on the PATH
- `sanitizers`: the tests of the engine in C, under AddressSanitizer and UBSan
- `native`, `python`: all tests for which the engine matters, on the one in C and on the one in Python
- `once`: the others: pages in a browser, LaTeX, notebooks, JAX, benchmarks
- `site`: builds the site into build/site, and tests every link and page
- `release`: packages, type checkers, the oldest dependencies, every Python from 3.11 on that is there
- `style`: ruff, eslint, mypy

By hand, in the environment from above and with node, the site is built so::

    sphinx-build -W -b html -c .site . build/site
    npm install --prefix build/npm pyodide@314.0.7 @viz-js/viz@3.31.0
    python .site/play/build.py build/site/play build/npm
    python -m http.server --directory build/site

Files that are written by scripts
---------------------------------

After a change of the table of gates, `python -m tests.stubs` writes the `.pyi` files and `python -m tests.gates_in_c`
the rules in C; then `pip install -e .` builds anew. Tests hold both to the table. `python -m tests.benchmarks eager`
(or networks, compile, checks, exact, page) measures, and writes its tables into tests/benchmarks/README.md.

How tests are written
---------------------

They mirror the package: tests/test_sweep.py tests `sweep`. Tests of gates iterate the table, so a new entry is tested
without a new test. Each states the law that it tests, and each checker is shown something wrong that it must catch. No
test asks a clock. Property tests see the same examples in every run. The code in prefaces and docstrings runs as
doctests, and tests/test_guides.py runs what doctests leave out: what is saved, and what needs other packages.

Which module may import which, and what `import microgradnn` may not load, is in tests/test_layers.py.
"""
