"""Weather: what it is, where it comes from, and what sun, wind and cold air give."""

from zeropark.data.weather.weather import Weather

__all__ = ["Weather"]
