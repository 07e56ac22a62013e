"""The pages in docs/races/, generated from what the explorer found.

============  ==================================================
``race``      the page of one race
``sums``      the index of all, and what was left out
``removals``  the page of what was taken out of the SQL
``beside``    the page that puts another explorer beside ours
``folder``    writes them, and keeps what earlier runs found
============  ==================================================
"""

from .beside import beside
from .folder import FOLDER, write
from .race import broken, note, page
from .removals import fails, necessity
from .sums import index

__all__ = ["FOLDER", "beside", "broken", "fails", "index", "necessity", "note", "page", "write"]
