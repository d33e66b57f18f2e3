"""Which breaks get a link factor, and how sure it is."""

import numpy as np
import pytest

from pipelines.breaks.attribution import Attribution
from pipelines.breaks.events import Events
from pipelines.breaks.link import link_factors
from pipelines.breaks.period import Period
from pipelines.breaks.result import Findings

YEAR = Period.parse("2020")
REGISTER = Events(
    ("fusie", "systeem", "beleid", "inkoop"),
    (YEAR,) * 4,
    (YEAR,) * 4,
    (frozenset({"*"}),) * 4,
    (frozenset({"*"}),) * 4,
    ("ambtelijke_fusie", "system_harmonisation", "policy", "procurement"),
    ("measurement", "measurement", "real_world", "mixed"),
)


def _linked(
    shares: list[float],
    *,
    kind: str = "level",
    effect: float = np.log(1.3),
    se: float = 0.05,
    alarm: bool = True,
    part: bool = False,
    returned_in: str = "",
) -> tuple[float, float, float]:
    """The link of one finding with these shares of the register's events."""
    one = np.ones(1, dtype=np.int64)
    found = Findings(
        indicator=np.array(["x"]),
        region=np.array(["GM0001"]),
        national=np.zeros(1, dtype=bool),
        grouped=np.zeros(1, dtype=bool),
        period=np.array(["2020"]),
        per_year=one,
        ordinal=one * 2020,
        kind=np.array([kind]),
        returned_in=np.array([returned_in]),
        effect=np.array([effect]),
        se=np.array([se]),
        score=np.array([9.0]),
        alarm=np.array([alarm]),
        part=np.array([part]),
        median_count=np.array([500.0]),
    )
    nothing = Attribution.nothing(1, len(REGISTER))
    share = np.array([shares])
    attribution = Attribution(share, share > 0, nothing.visible, nothing.effect, nothing.se)
    factor, low, high = link_factors(found, attribution, REGISTER)
    return float(factor[0]), float(low[0]), float(high[0])


def test_a_change_of_measurement_is_linked_by_its_step_with_an_interval() -> None:
    factor, low, high = _linked([0.9, 0, 0, 0])
    assert factor == pytest.approx(1.3)
    assert (np.log(factor / low), np.log(high / factor)) == pytest.approx((1.96 * 0.05,) * 2)


def test_which_of_two_changes_of_measurement_it_was_does_not_matter() -> None:
    assert _linked([0.45, 0.45, 0, 0])[0] == pytest.approx(1.3)


@pytest.mark.parametrize(
    "shares",
    [
        pytest.param([0, 0, 0.9, 0], id="the world changed"),
        pytest.param([0, 0, 0, 0.9], id="world and measurement changed at once"),
        pytest.param([0.5, 0, 0.3, 0], id="a change of the world may be behind it"),
        pytest.param([0.3, 0, 0, 0], id="no event carries it"),
        pytest.param([0, 0, 0, 0], id="nothing happened"),
    ],
)
def test_what_may_be_a_change_of_the_world_is_never_linked(shares: list[float]) -> None:
    assert np.isnan(_linked(shares)).all()


@pytest.mark.parametrize(
    "circumstances",
    [
        pytest.param({"se": 0.12}, id="the size is hardly known"),
        pytest.param({"alarm": False}, id="not sure enough to alarm"),
        pytest.param({"alarm": False, "part": True, "se": 0.1}, id="hardly a part of a break in common"),
        pytest.param({"kind": "one_off"}, id="nothing lasts"),
        pytest.param({"kind": "slope"}, id="no single factor"),
        pytest.param({"kind": "gap", "effect": np.nan, "se": np.nan}, id="no size at all"),
        pytest.param({"kind": "scale", "effect": np.log(10), "returned_in": "2021"}, id="right again by itself"),
    ],
)
def test_a_break_that_no_factor_bridges_has_none(circumstances: dict[str, object]) -> None:
    assert np.isnan(_linked([0.9, 0, 0, 0], **circumstances)).all()  # type: ignore[arg-type]


def test_a_lasting_error_of_scale_has_exactly_its_power_of_ten_whatever_the_events() -> None:
    assert _linked([0, 0, 0, 0], kind="scale", effect=np.log(1 / 10) * 1.01, se=0.0) == (0.1, 0.1, 0.1)


def test_a_member_is_linked_by_its_own_step_where_the_cooperation_alarms_for_it() -> None:
    assert _linked([0.9, 0, 0, 0], alarm=False, part=True)[0] == pytest.approx(1.3)


def test_no_register_gives_no_link() -> None:
    nothing = Attribution.nothing(0, 0)
    factor, low, high = link_factors(Findings.nothing(), nothing, Events((), (), (), (), (), (), ()))
    assert factor.size == low.size == high.size == 0
