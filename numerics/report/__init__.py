"""The report: one directory that derives, audits, predicts and verifies, with a page that shows it all."""

from numerics.report.build import write_report

__all__ = ["write_report"]
