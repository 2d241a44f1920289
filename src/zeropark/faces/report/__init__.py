"""The report of a run: one file that opens offline, in Chinese and English."""

from zeropark.faces.report.report import write_report

__all__ = ["write_report"]
