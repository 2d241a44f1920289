"""How a command says no: exit codes, and errors as sentences instead of traces."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Iterable
from difflib import get_close_matches

from zeropark.faces.locale import gettext as _

DONE, NO, WRONG_INPUT, OUR_FAULT = 0, 1, 2, 3
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS}


class Refused(Exception):  # noqa: N818 - a refusal is the caller's to mend, not an error of ours
    """The input is wrong in a way its author can mend; the message is a whole sentence."""


def did_you_mean(given: str, allowed: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" with the nearest of `allowed`, or nothing."""
    near = get_close_matches(given, list(allowed), n=1, cutoff=0.6)
    return _(" Did you mean '{near}'?").format(near=near[0]) if near else ""


def disk_sentence(error: OSError, where: str) -> str:
    """Return what the disk refused, and the mend. where: the path the person named."""
    if error.errno in _FULL:
        text = _("{path}: the disk is full. Nothing was written; make room or write elsewhere.")
    elif error.errno in _READ_ONLY:
        text = _("{path}: may not be read or written. Choose a place you may use.")
    elif error.errno == errno.ENOENT:
        text = _("{path}: does not exist. Check the path.")
    elif error.errno in {errno.ENOTDIR, errno.EEXIST}:
        text = _("{path}: a file stands where a folder is needed. Choose another path.")
    elif error.errno == errno.EISDIR:
        text = _("{path}: is a folder, not a file. Name the file in it.")
    else:
        text = _("{path}: the disk refused ({reason}).")
    return text.format(path=where, reason=os.strerror(error.errno) if error.errno else error)


def our_fault(error: BaseException) -> str:
    """Write the trace of an error nobody foresaw to a file; return the sentence that names it."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="zeropark-trace-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        traceback.print_exception(error, file=file)
    kind = type(error).__name__
    return _("A mistake of ours ({kind}: {words}). Its trace is in {path}.").format(
        kind=kind, words=error, path=file.name
    )


def say(sentence: str) -> None:
    """Print a sentence where errors and notes go, away from results."""
    print(sentence, file=sys.stderr)  # noqa: T201 - a command speaks on the terminal
