"""What holds for all tests."""

from hypothesis import settings

# The same examples on every machine and every day: a red test is red because something changed.
settings.register_profile("house", derandomize=True, deadline=None)
settings.load_profile("house")
