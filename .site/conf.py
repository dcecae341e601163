"""Settings of the site, which `sphinx-build -W -b html -c .site . build/site` makes with the extra [site].

The source is the whole repository, so links between its files are links between pages. Beside this file, `places`
says which file is which page, `sources` makes pages of source files, `docstrings` says how docstrings are read,
`reference` which names are public, `rooms` lists the package, `notebooks` has what a notebook needs,
and `barriers` mends what the theme leaves in the way of some readers.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
os.environ["MICROGRADNN_ENGINE"] = "python"  # its functions have sources

import places  # noqa: E402

import microgradnn  # noqa: E402

project = "microgradnn"
author = "The microgradnn authors"
version = release = microgradnn.__version__
html_title = f"microgradnn {version}"
language = "en"
smartquotes = False  # quotes in docstrings are those of Python

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "places",
    "sources",
    "docstrings",
    "reference",
    "rooms",
    "notebooks",
    "barriers",
]
root_doc = "index"
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}
include_patterns = places.PATTERNS
exclude_patterns = ["build", ".git", "**/.venv", ".site/play", ".site/static"]

nb_execution_mode = "off"  # the pages show what is committed
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 6
html_math_renderer = "mathml"

autodoc_default_options = {"members": True, "member-order": "bysource", "special-members": "__call__"}
autodoc_typehints = "signature"
autodoc_inherit_docstrings = False
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_logo = "static/logo.svg"
html_favicon = "static/logo.svg"
html_copy_source = False
html_domain_indices = False
html_show_copyright = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5cad", "color-brand-content": "#0b5cad"},
    "dark_css_variables": {"color-brand-primary": "#7cc4ff", "color-brand-content": "#7cc4ff"},
}
