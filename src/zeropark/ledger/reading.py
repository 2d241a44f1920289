"""Readings as they are offered, and what becomes of each: an outcome whose words are a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

import numpy as np
import numpy.typing as npt

from zeropark.units.text import Text

Ints = npt.NDArray[np.int64]


class Manner(Enum):
    """How readings come in.

    FIELD: from devices, where a bad reading is kept as suspect and never counts. BY_HAND: from a
    person's file, where it is refused with its reason.
    """

    FIELD = "field"
    BY_HAND = "by hand"


class Outcome(IntEnum):
    """What became of a reading that was offered."""

    ACCEPTED = 0
    EXISTS = 1
    CORRECTED = 2
    KEPT_AS_SUSPECT = 3
    POINT_UNKNOWN = 4
    SOURCE_UNKNOWN = 5
    INTERVAL_OF_ANOTHER_LENGTH = 6
    INTERVAL_OFF_ITS_GRID = 7
    INTERVAL_OVERLAPS = 8
    FROM_THE_FUTURE = 9
    EXISTS_WITH_ANOTHER_BODY = 10
    EARLIER_REVISION_MISSING = 11
    VALUE_MISSING = 12
    OUT_OF_RANGE = 13
    SPIKE = 14
    FROZEN = 15
    COUNTER_WENT_BACK = 16
    QUALITY_UNKNOWN = 17

    @property
    def words(self) -> Text:
        """The outcome as a sentence."""
        return _WORDS[self]

    @property
    def kept(self) -> bool:
        """Whether the reading lies in the ledger now, from this offer or an earlier one."""
        return self <= Outcome.KEPT_AS_SUSPECT

    @property
    def transient(self) -> bool:
        """Whether offering the same again later can help."""
        return self in {Outcome.EARLIER_REVISION_MISSING, Outcome.FROM_THE_FUTURE}


_WORDS = {
    Outcome.ACCEPTED: Text("taken", "已收"),
    Outcome.EXISTS: Text("known already, nothing to do", "已有，无需处理"),
    Outcome.CORRECTED: Text(
        "taken as a correction; the earlier one stays", "作为更正收下；原读数保留"
    ),
    Outcome.KEPT_AS_SUSPECT: Text("kept as suspect; it never counts", "作为可疑保留；不计入"),
    Outcome.POINT_UNKNOWN: Text("no such point; register it first", "没有这个测点；先登记"),
    Outcome.SOURCE_UNKNOWN: Text("no such source; register it first", "没有这个来源；先登记"),
    Outcome.INTERVAL_OF_ANOTHER_LENGTH: Text(
        "the interval is not as long as the point's", "时段长度与测点不符"
    ),
    Outcome.INTERVAL_OFF_ITS_GRID: Text(
        "the interval does not begin at a multiple of its length", "时段起点不是其长度的整数倍"
    ),
    Outcome.INTERVAL_OVERLAPS: Text(
        "the interval overlaps another of the same point", "时段与同一测点的另一时段重叠"
    ),
    Outcome.FROM_THE_FUTURE: Text(
        "the interval ends in the future; set the meter's clock", "时段结束于未来；校准表的时钟"
    ),
    Outcome.EXISTS_WITH_ANOTHER_BODY: Text(
        "this interval has another reading already; send a correction with the next revision",
        "该时段已有不同读数；以下一修订号提交更正",
    ),
    Outcome.EARLIER_REVISION_MISSING: Text(
        "an earlier revision is missing; send that first", "缺少较早的修订；先提交它"
    ),
    Outcome.VALUE_MISSING: Text(
        "there is no value, and the quality does not say missing", "没有值，而质量未写缺失"
    ),
    Outcome.OUT_OF_RANGE: Text("outside what the point can physically be", "超出测点的物理范围"),
    Outcome.SPIKE: Text("jumps further from its neighbours than the point can", "跳变超过测点限度"),
    Outcome.FROZEN: Text("the same value for too long", "数值长时间不变"),
    Outcome.COUNTER_WENT_BACK: Text(
        "the counter went back without a roll-over; note the exchange of the meter first",
        "计数器倒退且非翻转；先登记换表",
    ),
    Outcome.QUALITY_UNKNOWN: Text("no such quality", "没有这种质量"),
}
assert set(_WORDS) == set(Outcome), "every outcome is a sentence"


@dataclass(frozen=True)
class Offered:
    """Readings somebody offers, arrays of shape (N,) each.

    point, source: numbers in the store's register. start: of the interval [ms since 1970-01-01
    UTC]; length [ms], 0 for a state at a moment. value: of the point's smallest unit, into the node
    +, meters import +; `rowform.NO_VALUE` where quality is missing. quality: `rowform.Quality`.
    revision: 0 for the first reading of an interval, n for its n-th correction. Together with point
    and start it is the reading's identity.
    """

    point: Ints
    start: Ints
    length: Ints
    value: Ints
    quality: Ints
    source: Ints
    revision: Ints

    @classmethod
    def of(
        cls,
        point: npt.ArrayLike,
        start: npt.ArrayLike,
        length: npt.ArrayLike,
        value: npt.ArrayLike,
        quality: npt.ArrayLike = 1,
        source: npt.ArrayLike = 0,
        revision: npt.ArrayLike = 0,
    ) -> Offered:
        """Return readings from columns; a lone number holds for all. Floats are a `TypeError`."""
        given = [np.asarray(each) for each in (point, start, length, value, quality, source)]
        given.append(np.asarray(revision))
        count = max(each.size for each in given)
        for each in given:
            if each.dtype.kind not in "iu":
                raise TypeError("readings are whole numbers of the smallest unit")
        columns = [np.broadcast_to(each.astype(np.int64), (count,)) for each in given]
        return cls(*columns)

    def __len__(self) -> int:
        return len(self.point)

    def take(self, which: npt.NDArray[np.intp] | slice) -> Offered:
        """Return some of the readings, in the order of `which`."""
        return Offered(
            self.point[which], self.start[which], self.length[which], self.value[which],
            self.quality[which], self.source[which], self.revision[which],
        )  # fmt: skip
