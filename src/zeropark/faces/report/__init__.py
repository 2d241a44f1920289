"""The report of a run: one file that opens offline, in Chinese and English, on screen and on paper."""

from zeropark.faces.report.report import write_report

__all__ = ["write_report"]
