"""Values that know when they are out of date, and sums of columns that are stated once for all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zeropark.formulation.block import Block
from zeropark.formulation.layout import Layout
from zeropark.formulation.linear import Linear, Rule, Sense, Term
from zeropark.formulation.value import Floats, Given, Value, constant

TWO = np.array([[1.0, 2.0], [3.0, 4.0]])


class _Thing:
    """A member with one number."""

    name = "thing"
    p_nom = 5.0

    def members(self) -> list[tuple[str, object]]:
        return [("", self)]

    def port_nodes(self) -> dict[str, str | None]:
        return {"node": "bus"}

    def rules(self, m: Block) -> list[tuple[str, Rule]]:
        del m
        return []


def _block(lag: int = 1) -> Block:
    return Block("thing", [_Thing(), _Thing()], Layout(np.ones(3), lag=lag), 10)


def _columns(expression: Linear) -> list[list[int]]:
    (term,) = expression.terms
    return [[int(number) for number in row] for row in term.columns]


# -- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda a, b: a + b, [[3.0, 4.0], [6.0, 7.0]]),
        (lambda a, b: a - b, [[-1.0, 0.0], [0.0, 1.0]]),
        (lambda a, b: a * b, [[2.0, 4.0], [9.0, 12.0]]),
        (lambda a, b: a / b, [[0.5, 1.0], [1.0, 4 / 3]]),
        (lambda a, b: a**b, [[1.0, 4.0], [27.0, 64.0]]),
        (lambda a, b: a.least(b), [[1.0, 2.0], [3.0, 3.0]]),
        (lambda a, b: a.most(b), [[2.0, 2.0], [3.0, 4.0]]),
        (lambda a, _: -a, [[-1.0, -2.0], [-3.0, -4.0]]),
        (lambda a, _: 1.0 + a, [[2.0, 3.0], [4.0, 5.0]]),
        (lambda a, _: 1.0 - a, [[0.0, -1.0], [-2.0, -3.0]]),
        (lambda a, _: 2.0 * a, [[2.0, 4.0], [6.0, 8.0]]),
        (lambda a, _: 12.0 / a, [[12.0, 6.0], [4.0, 3.0]]),
        (lambda a, _: 2.0**a, [[2.0, 4.0], [8.0, 16.0]]),
        (lambda a, _: a**2.0, [[1.0, 4.0], [9.0, 16.0]]),
        (lambda a, _: np.float64(2.0) * a, [[2.0, 4.0], [6.0, 8.0]]),
        (lambda a, _: a.least(2.5), [[1.0, 2.0], [2.5, 2.5]]),
        (lambda a, _: a.most(2.5), [[2.5, 2.5], [3.0, 4.0]]),
    ],
)
def test_values_reckon_like_the_arrays_they_stand_for(
    made: Any, expected: list[list[float]]
) -> None:
    value = made(Given(TWO), Given(np.array([[2.0], [3.0]])))
    assert value.array == pytest.approx(np.array(expected))
    assert value.shape == (2, 2)


def test_a_value_is_read_again_only_when_what_it_stands_on_was_put() -> None:
    asked = []

    def double(array: Floats) -> Floats:
        asked.append(array)
        return array * 2.0

    left, right = Given(TWO), Given(TWO)
    value = Value(double, left)
    both = value + right
    assert both.array.tolist() == (3 * TWO).tolist()
    right.put(np.zeros((2, 2)))
    assert both.array.tolist() == (2 * TWO).tolist()
    assert len(asked) == 1, "the left side did not change"
    left.put(np.zeros((2, 2)))
    assert both.array.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert len(asked) == 2


def test_a_stamp_grows_with_each_put_and_stays_between() -> None:
    given = Given(TWO)
    value = given * 2.0
    before = value.fresh()
    assert value.fresh() == before
    given.put(TWO)
    after = value.fresh()
    assert after > before
    assert value.fresh() == after


def test_a_constant_is_the_same_everywhere() -> None:
    assert constant(3.0).array.tolist() == [[3.0]]
    assert (constant(3.0) + Given(TWO)).array.tolist() == (TWO + 3.0).tolist()


# -- linear expressions ---------------------------------------------------------------------------


def test_columns_are_numbered_one_after_the_other_by_member_and_slot() -> None:
    m = _block()
    assert _columns(m.flow("a")) == [[10, 11, 12, 13], [14, 15, 16, 17]]
    assert _columns(m.once("peak")) == [[18], [19]]
    assert _columns(m.state("e")) == [[20, 21, 22, 23], [24, 25, 26, 27]]
    assert m.next_column == 28


def test_before_is_the_slot_before_and_the_ring_is_closed() -> None:
    m = _block(lag=2)
    flow = m.flow("a")
    assert _columns(flow)[0] == [10, 11, 12, 13, 14]
    assert _columns(flow.before)[0] == [14, 10, 11, 12, 13]
    assert _columns(flow.lag(2))[0] == [13, 14, 10, 11, 12]
    peak = m.once("peak")
    assert _columns(peak.before) == _columns(peak)


def test_a_sum_keeps_every_term_with_its_sign() -> None:
    m = _block()
    a, b = m.flow("a"), m.flow("b")
    expression = 2.0 * a - (b - 3.0) / 4.0
    assert [term.coefficient for term in expression.terms] == [2.0, -0.25]
    assert expression.constant == 0.75
    turned = 1.0 - expression
    assert [term.coefficient for term in turned.terms] == [-2.0, 0.25]
    assert turned.constant == 0.25


def test_a_value_may_stand_on_either_side_of_an_expression() -> None:
    m = _block()
    a, five = m.flow("a"), m["p_nom"]
    for expression in (five * a, a * five):
        (term,) = expression.terms
        assert isinstance(term.coefficient, Value)
        assert term.coefficient.array.tolist() == [[5.0], [5.0]]
    for expression, sign, rest in (
        (five + a, 1.0, 5.0),
        (five - a, -1.0, 5.0),
        (a - five, 1.0, -5.0),
    ):
        (term,) = expression.terms
        assert term.coefficient == sign
        assert isinstance(expression.constant, Value)
        assert expression.constant.array.tolist() == [[rest], [rest]]


@pytest.mark.parametrize(
    ("stated", "sense", "sign"),
    [
        (lambda a, five: a <= five, Sense.AT_MOST, -5.0),
        (lambda a, five: a >= five, Sense.AT_LEAST, -5.0),
        (lambda a, five: a == five, Sense.EQUAL, -5.0),
        (lambda a, five: five >= a, Sense.AT_MOST, -5.0),
        (lambda a, five: five <= a, Sense.AT_LEAST, -5.0),
    ],
)
def test_a_comparison_is_a_rule_with_all_on_the_left(
    stated: Any, sense: Sense, sign: float
) -> None:
    m = _block()
    rule = stated(m.flow("a"), m["p_nom"])
    assert isinstance(rule, Rule)
    assert rule.sense is sense
    assert rule.expression.constant.array.tolist() == [[sign], [sign]]  # type: ignore[union-attr]
    assert rule.expression.terms[0].coefficient == 1.0


def test_an_expression_whose_coefficients_vary_by_slot_is_not_shifted() -> None:
    m = _block()
    with pytest.raises(AssertionError, match="can be shifted"):
        (m.flow("a") * m.signal("cop")).before  # noqa: B018 - it is the asking that fails


def test_a_sum_over_the_horizon_is_marked_and_not_shifted() -> None:
    total = _block().flow("a").total()
    assert [term.summed for term in (total * 2.0).terms] == [True]
    with pytest.raises(AssertionError, match="none before it"):
        total.before  # noqa: B018 - it is the asking that fails
    with pytest.raises(AssertionError, match="columns alone"):
        (_block().flow("a") + 1.0).total()


def test_what_is_fixed_costs_nothing() -> None:
    m = _block()
    a = m.flow("a")
    m.cost("wear", a * 2.0)
    with pytest.raises(AssertionError, match="column with equal bounds"):
        m.cost("wear", a + 1.0)
    with pytest.raises(AssertionError, match="column with equal bounds"):
        m.cost("wear", a - m["p_nom"])


def test_a_state_opens_its_band_to_what_was_measured() -> None:
    m = _block()
    m.state("energy", lower=1.0, upper=m["p_nom"])
    (column,) = m.columns
    m.figures["energy"].put(np.array([[0.5], [6.0]]))
    assert isinstance(column.lower, Value)
    assert isinstance(column.upper, Value)
    assert column.lower.array.tolist() == [[0.5], [1.0]]
    assert column.upper.array.tolist() == [[5.0], [6.0]]


def test_a_term_is_a_coefficient_times_columns() -> None:
    columns = np.arange(4, dtype=np.int32).reshape(2, 2)
    shifted = Linear([Term(columns, 3.0)]).lag(1)
    assert shifted.terms[0].coefficient == 3.0
    assert shifted.terms[0].columns.tolist() == [[1, 0], [3, 2]]
