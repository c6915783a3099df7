"""A small selection to try an import with: two votes, a public vote between them, and one planted error.

The announced result puts the wrong person third in the final vote. All people and numbers are invented.
"""

from pathlib import Path


def example_folder() -> Path:
    """Return the folder with the example's programme, tables and announced result."""
    return Path(__file__).parent
