"""How the documentation site is built: `make docs`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.util import logging

from statemodel import ConnectionChart
from statemodel.explorer import explorer_page

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "statemodel"
author = "The statemodel developers"
copyright = author  # noqa: A001 - Sphinx's own name
html_title = "statemodel"
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["_extra"]
html_copy_source = False
html_show_sphinx = False

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.doctest"]
exclude_patterns = ["_build", "_extra"]
doctest_global_setup = "from statemodel.scripts import close_code, dial_end"
nitpicky = True
default_role = "code"  # docstrings are plain: `name` is code

myst_enable_extensions = ["colon_fence", "attrs_block"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True  # as they are written: some would fill pages
autodoc_class_signature = "mixed"
autodoc_default_options = {"members": True, "imported-members": True, "show-inheritance": True}
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
# Types of others, of which nothing is said here, and our own that are no part of the interface.
nitpick_ignore_regex = [("py:.*", r"(?!(statemodel|transport)\.[A-Za-z]).*"), ("py:.*", r".*\._.*")]

PUBLIC = (
    "statemodel",
    "statemodel.checking",
    "statemodel.conformance",
    "statemodel.diagrams",
    "statemodel.explorer",
    "statemodel.events",
    "statemodel.effects",
    "statemodel.proof",
    "statemodel.recordings",
    "statemodel.rules",
    "statemodel.scripts",
    "statemodel.timelines",
    "statemodel.trace_rules",
    "statemodel.traces",
    "transport",
    "transport.http",
    "transport.sdk",
    "transport.testing",
)
"""The modules whose names users may rely on; `api.md` has a section for each."""


def check_api(app: Sphinx, error: Exception | None) -> None:
    """Warn of every public name that the site does not document; with `-W` that fails the build."""
    if error is not None or app.builder.format != "html":
        return
    logger = logging.getLogger(__name__)
    documented = {id(_find(name)) for name in app.env.domains.python_domain.objects}
    for module in PUBLIC:
        loaded = importlib.import_module(module)
        names = getattr(loaded, "__all__", None) or [
            name for name, value in vars(loaded).items() if _is_own(name, value, module)
        ]
        for name in names:
            if id(getattr(loaded, name)) not in documented:
                logger.warning("%s.%s is public, but not in the API reference", module, name)


def _is_own(name: str, value: object, module: str) -> bool:
    return not name.startswith("_") and getattr(value, "__module__", "") == module


def _find(dotted: str) -> object:
    """Return what a documented name stands for; a re-exported name stands for the same."""
    for cut in range(dotted.count(".") + 1):
        parts = dotted.split(".")
        head, rest = parts[: len(parts) - cut], parts[len(parts) - cut :]
        try:
            found: object = importlib.import_module(".".join(head))
        except ImportError:
            continue
        for part in rest:
            found = getattr(found, part, None)
        return found
    return None


def write_explorer(_app: Sphinx, _config: object) -> None:
    """Write the explorer, to which the pages link."""
    folder = Path(__file__).parent / "_extra"
    folder.mkdir(exist_ok=True)
    (folder / "explore.html").write_text(explorer_page(ConnectionChart), "utf-8")


def setup(app: Sphinx) -> None:
    """Connect what is made along with the pages."""
    app.connect("config-inited", write_explorer, priority=100)
    app.connect("build-finished", check_api)
