"""The explorer: one HTML file in which a chart's machine runs, to look at and to play with.

The file has everything in it: the compiled table as data, the machine in JavaScript, and a page. It
asks nothing of any server.
"""

from __future__ import annotations

from statemodel.explorer._page import explorer_page

__all__ = ["explorer_page"]
