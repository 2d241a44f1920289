"""What the rooms below refuse, as sentences in the person's language."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from zeropark.data.errors import DataError
from zeropark.faces.cli.refused import Refused
from zeropark.faces.locale import language
from zeropark.model.mistakes import ParkError


@contextmanager
def in_sentences() -> Iterator[None]:
    """Turn mistakes of a park file or of data inside the block into `Refused`, all at once."""
    try:
        yield
    except ParkError as error:
        lines = [mistake.sentence(language()) for mistake in error.mistakes]
        raise Refused("\n".join(lines)) from error
    except DataError as error:
        raise Refused(error.text.in_language(language())) from error
