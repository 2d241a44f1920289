"""Mistakes of a park file, as sentences: where, what, what is allowed, how to mend it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import ErrorDetails

from zeropark.units.refusal import CHINESE, FIELD, meant, with_meant
from zeropark.units.text import Text


@dataclass(frozen=True, order=True)
class Mistake:
    """Something in a park file that its author can mend.

    file: its name. line: from 1, 0 where the whole file is meant. where: the place in the park,
    such as `assets[3] 'bat' floor`. text: the sentence. code, params: the same for programs.
    """

    file: str
    line: int
    where: str
    text: Text
    code: str
    params: Mapping[str, object] = field(default_factory=dict, compare=False)

    def sentence(self, language: str = "en") -> str:
        """Return the whole line a person reads: file, line, place, sentence."""
        at = f"{self.file}:{self.line}" if self.line else self.file
        parts = [at, self.where, self.text.in_language(language)]
        return ": ".join(part for part in parts if part)


class ParkError(Exception):
    """A park file has mistakes; all of them are here, in the order of the file."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = sorted(mistakes)
        super().__init__("\n".join(mistake.sentence() for mistake in self.mistakes))


# What pydantic refuses by itself, by its error type. Placeholders: {given} as written in the file,
# {unit} of the field with a leading space, and the parameters pydantic gives.
_ABOVE = Text(
    "{given} is too small; allowed: more than {gt}{unit}", "{given} 太小；可用：大于 {gt}{unit}"
)
_FROM = Text(
    "{given} is too small; allowed: {ge}{unit} or more", "{given} 太小；可用：不小于 {ge}{unit}"
)
_BELOW = Text(
    "{given} is too large; allowed: less than {lt}{unit}", "{given} 太大；可用：小于 {lt}{unit}"
)
_UP_TO = Text(
    "{given} is too large; allowed: {le}{unit} or less", "{given} 太大；可用：不大于 {le}{unit}"
)
_NUMBER = Text("'{given}' is not a number", "“{given}”不是数")
_QUANTITY = Text(
    "'{given}' is not a number; write a number with its unit", "“{given}”不是数；写数和单位"
)
_WHOLE = Text("'{given}' is not a whole number", "“{given}”不是整数")
_TRUTH = Text("'{given}' is not true or false", "“{given}”不是 true 或 false")
_TEXT = Text(
    "{given} is not text; put it in quotes if it is meant as text",
    "{given} 不是文字；若是文字请加引号",
)
_LIST = Text(
    "a list is needed here, each item on a line that begins with -",
    "此处需要列表，每项一行，以 - 开头",
)
_MAPPING = Text(
    "fields are needed here, each on a line as name: value", "此处需要字段，每行一个，写作 名称: 值"
)
_DATE = Text("'{given}' is not a date, such as 2026-01-31", "“{given}”不是日期，例如 2026-01-31")
_SHORT = Text(
    "{actual_length} given, at least {min_length} needed",
    "有 {actual_length} 项，至少要 {min_length} 项",
)
_LONG = Text(
    "{actual_length} given, at most {max_length} allowed",
    "有 {actual_length} 项，至多 {max_length} 项",
)
_BOTH_WORDS = Text(
    "write the words in both languages: {{en: …, zh: …}}", "写出两种语言：{{en: …, zh: …}}"
)
_PATTERN = Text(
    "'{given}' is not a name; allowed: letters, digits, - and _, beginning with a letter",
    "“{given}”不能作名称；可用：字母、数字、- 和 _，以字母开头",
)

SENTENCES: dict[str, Text] = {
    "missing": Text("{name} is missing; add it", "缺少 {name}；补上"),
    "extra_forbidden": Text("unknown field '{name}'{meant}", "未知字段“{name}”{meant}"),
    "greater_than": _ABOVE,
    "greater_than_equal": _FROM,
    "less_than": _BELOW,
    "less_than_equal": _UP_TO,
    "multiple_of": Text(
        "{given} is no multiple of {multiple_of}", "{given} 不是 {multiple_of} 的倍数"
    ),
    "finite_number": Text("{given} is not finite; write a number", "{given} 不是有限数；写一个数"),
    "float_type": _QUANTITY,
    "float_parsing": _NUMBER,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "string_type": _TEXT,
    "string_too_short": Text("nothing is written here", "此处没有内容"),
    "string_too_long": Text(
        "'{given}' is too long; at most {max_length} letters",
        "“{given}”太长；至多 {max_length} 个字符",
    ),
    "string_pattern_mismatch": _PATTERN,
    "literal_error": Text(
        "'{given}' is not known{meant} Allowed: {expected}",
        "“{given}”不可用{meant}可用：{expected}",
    ),
    "enum": Text(
        "'{given}' is not known{meant} Allowed: {expected}",
        "“{given}”不可用{meant}可用：{expected}",
    ),
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "dict_type": _MAPPING,
    "mapping_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "dataclass_type": _MAPPING,
    "named_tuple_type": _BOTH_WORDS,
    "too_short": _SHORT,
    "too_long": _LONG,
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "datetime_type": _DATE,
    "datetime_parsing": _DATE,
    "datetime_from_date_parsing": _DATE,
    "none_required": Text("nothing may be written here", "此处不可填写"),
}
_FALLBACK = Text("{given} does not belong here ({said})", "{given} 不适用于此处（{said}）")


def explain(error: ErrorDetails, given: str, unit: str, siblings: Iterable[str]) -> Text:
    """Return the sentence of what pydantic refused.

    given: the value as the file writes it. unit: of the field, empty where it has none.
    siblings: what else could have stood there, for "did you mean".
    """
    context: dict[str, Any] = dict(error.get("ctx", {}))
    context.pop(FIELD, None)
    chinese = context.pop(CHINESE, None)
    if chinese is not None:
        # pydantic has filled in the English sentence already.
        return Text(error["msg"], chinese.format(**context))
    if error["type"] == "literal_error":
        siblings = [
            part.strip(" '") for part in str(context["expected"]).replace(" or ", ",").split(",")
        ]
        context["expected"] = ", ".join(siblings)
    name = str(error["loc"][-1]) if error["loc"] else ""
    near = meant(name if error["type"] == "extra_forbidden" else given, siblings)
    plain = {key: f"{v:g}" if isinstance(v, float) else v for key, v in context.items()}
    values = {**plain, "given": given, "name": name, "unit": f" {unit}" if unit else ""}
    template = SENTENCES.get(error["type"])
    if template is None:
        return _FALLBACK.format(**{**values, "said": error["msg"]})
    return with_meant(template, near, **values)
