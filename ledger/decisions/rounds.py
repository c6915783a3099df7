"""Decisions on rounds."""

from ledger.decisions.registry import CosignDecisions, Decisions, StageGates

DECISIONS: Decisions = {}
COSIGN: CosignDecisions = {}
OPEN: StageGates = {}
CLOSE: StageGates = {}
