"""Evidence: networks that learn, held against what is derived of them at initialisation."""

from numerics.evidence.gathering import Evidence, evidence
from numerics.evidence.studies import FULL, QUICK, Settings

__all__ = ["FULL", "QUICK", "Evidence", "Settings", "evidence"]
