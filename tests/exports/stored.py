"""Exports of logs on a real PostgreSQL."""

from pathlib import Path

from ledger.evidence import EvidenceFolder
from ledger.opening import Home
from projections.bundle import Exported, write_export
from projections.bundle_source import StoredSource
from projections.disclosure import Audience
from tests.sequenced import SCHEMA, Site
from tests.simulator import ORIGIN


def export_of(site: Site, target: Path, audience: Audience, size: int | None = None) -> Exported:
    """Export what is stored, the evidence in a folder beside the pin."""
    home = Home(site.pin_path.parent, ORIGIN, SCHEMA)
    with site.store() as store:
        return write_export(StoredSource(store, home, EvidenceFolder(home.evidence)), target, audience, size)
