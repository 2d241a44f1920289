"""Which form a park file is written in: `schema: 1` in the file says it, and an old one is lifted.

A file without the line is from before it was written, and of form 1.
"""

from __future__ import annotations

from zeropark.model.document import Document
from zeropark.units.text import Text

KEY = "schema"
FORM = 1
"""The form this version reads."""
LIFT = Text(
    "the file does not say its form; lift it with the line 'schema: 1' before all others",
    "文件未写明格式；请在最前加一行“schema: 1”升级",
)
_NEWER = Text(
    "the file has form {given}; this version reads {known}. Use a newer zeropark",
    "文件格式为 {given}；本版本读 {known}。请用更新的 zeropark",
)
_NONE = Text(
    "'{given}' is no form of a park file; allowed: {known}",
    "“{given}”不是园区文件的格式；可用：{known}",
)


def take_form(document: Document) -> int | None:
    """Take the form out of a document's data and return it; None where the file says none."""
    data = document.data
    if KEY not in data:
        return None
    given = data[KEY]
    if given != FORM or isinstance(given, bool | float):
        newer = isinstance(given, int) and not isinstance(given, bool) and given > FORM
        code, text = ("form_newer", _NEWER) if newer else ("form_unknown", _NONE)
        document.mistake((KEY,), code, text, given=given, known=FORM)
    del data[KEY]
    return FORM
