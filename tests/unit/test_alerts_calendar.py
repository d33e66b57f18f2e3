"""Hours of channels by clocks in the Netherlands: quiet hours, digests, and what a declaration may not say."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.alerts.declared import AMSTERDAM, Channel, Digest, Only, Quiet, receivers_of
from pipelines.alerts.findings import Finding
from pipelines.settings import SetupError, load_settings


def here(text: str, fold: int = 0) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=AMSTERDAM, fold=fold).astimezone(dt.UTC)


def a_quiet(since: str, to: str) -> Quiet:
    return Quiet.model_validate({"from": since, "to": to})


@pytest.mark.parametrize(
    ("since", "to", "moment", "quiet"),
    [
        ("22:00", "07:00", "2026-01-10T21:59", False),
        ("22:00", "07:00", "2026-01-10T22:00", True),
        ("22:00", "07:00", "2026-01-11T00:00", True),
        ("22:00", "07:00", "2026-01-11T06:59", True),
        ("22:00", "07:00", "2026-01-11T07:00", False),
        ("12:00", "13:30", "2026-01-11T12:00", True),
        ("12:00", "13:30", "2026-01-11T13:30", False),
        # In summer the same clock is another hour of UTC.
        ("22:00", "07:00", "2026-07-10T06:59", True),
        ("22:00", "07:00", "2026-07-10T07:00", False),
    ],
)
def test_quiet_hours_go_by_clocks_here_and_cross_midnight(since: str, to: str, moment: str, quiet: bool) -> None:
    assert a_quiet(since, to).holds_at(here(moment)) is quiet


def test_quiet_hours_end_on_the_clock_on_the_nights_that_it_is_changed() -> None:
    rule = a_quiet("22:00", "07:00")
    # 29 March 2026: the clock goes from 02:00 to 03:00, so the night has eight hours; 25 October it has ten.
    for day, hours in (("2026-03-29", 8), ("2026-10-25", 10), ("2026-06-01", 9)):
        morning = here(f"{day}T07:00")
        evening = here(f"{dt.date.fromisoformat(day) - dt.timedelta(days=1)}T22:00")
        assert morning - evening == dt.timedelta(hours=hours)
        minutes = [evening + dt.timedelta(minutes=number) for number in range(hours * 60)]
        assert all(rule.holds_at(minute) for minute in minutes)
        assert not rule.holds_at(morning) and not rule.holds_at(evening - dt.timedelta(minutes=1))


moments = st.integers(0, 730 * 24 * 60).map(lambda minutes: here("2026-01-01T00:00") + dt.timedelta(minutes=minutes))
times = st.times().map(lambda one: one.replace(second=0, microsecond=0))


@given(times, moments)
def test_a_daily_digest_has_one_moment_a_day_whatever_the_clock_does(at: dt.time, now: dt.datetime) -> None:
    digest = Digest(at=at)
    last = digest.latest(now)
    assert last <= now < last + dt.timedelta(hours=26)
    before = digest.latest(last - dt.timedelta(microseconds=1))
    days = last.astimezone(AMSTERDAM).date() - before.astimezone(AMSTERDAM).date()
    assert days == dt.timedelta(days=1)
    assert dt.timedelta(hours=22) < last - before < dt.timedelta(hours=26)


def test_a_digest_at_a_time_that_the_clock_skips_or_shows_twice_comes_once() -> None:
    digest = Digest(at=dt.time(2, 30))
    spring = [digest.latest(here("2026-03-29T00:00") + dt.timedelta(minutes=5 * n)) for n in range(12 * 23)]
    assert [one.astimezone(AMSTERDAM).isoformat() for one in sorted(set(spring))] == [
        "2026-03-28T02:30:00+01:00",
        "2026-03-29T03:30:00+02:00",
    ]
    autumn = [digest.latest(here("2026-10-25T00:00") + dt.timedelta(minutes=5 * n)) for n in range(12 * 25)]
    assert [one.astimezone(AMSTERDAM).isoformat() for one in sorted(set(autumn))] == [
        "2026-10-24T02:30:00+02:00",
        "2026-10-25T02:30:00+02:00",
    ]


def test_a_weekly_digest_comes_on_its_day() -> None:
    digest = Digest(at=dt.time(9), days=("monday",))
    assert digest.latest(here("2026-11-23T09:00")) == here("2026-11-23T09:00")
    assert digest.latest(here("2026-11-23T08:59")) == here("2026-11-16T09:00")
    assert digest.latest(here("2026-11-29T23:59")) == here("2026-11-23T09:00")


def a_finding(**values: object) -> Finding:
    needed = {"check": "c", "severity": "error", "key": "k", "title_nl": "t", "cause_nl": "o", "next_step_nl": "d"}
    return Finding(**(needed | values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("only", "finding", "fits"),
    [
        ({"owner": ["Team Wmo"]}, {"owner": "Team Wmo"}, True),
        ({"owner": ["Team Wmo"]}, {"owner": None}, False),
        ({"region": ["VB0001", "VB0002"]}, {"region_code": "VB0002"}, True),
        ({"region": ["VB0001"]}, {"region_code": "VB0010"}, False),
        ({"law": ["jeugd"]}, {"laws": ("jeugd", "wmo")}, True),
        ({"law": ["jeugd"]}, {"laws": ()}, False),
        ({"severity": ["blocking"]}, {"severity": "error"}, False),
        ({"law": ["wmo"], "severity": ["error"]}, {"laws": ("wmo",)}, True),
        ({"law": ["wmo"], "region": ["VB0001"]}, {"laws": ("wmo",), "region_code": "VB0002"}, False),
    ],
)
def test_a_finding_fits_a_channel_when_all_that_is_asked_fits(
    only: dict[str, list[str]], finding: dict[str, object], fits: bool
) -> None:
    assert Only.model_validate(only).fits(a_finding(**finding)) is fits


def test_what_fits_no_channel_goes_to_the_rest_and_escalations_are_for_nothing_else() -> None:
    channels = (
        Channel(name="wmo", kind="console", only=Only(law=("wmo",))),
        Channel(name="rest", kind="console", gets="rest"),
        Channel(name="head", kind="console", gets="escalations"),
    )
    assert receivers_of(a_finding(laws=("wmo",)), channels) == ("wmo",)
    assert receivers_of(a_finding(laws=("jeugd",)), channels) == ("rest",)


ONE = '[[channels]]\nname = "a"\nkind = "file"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ONE + 'only = {law = ["wmo"]}\n', "no channel for what fits none of them.*gets = 'rest'"),
        (ONE + 'only = {lwa = ["wmo"]}\n', r"unknown key channels\.0\.only\.lwa, expected one of owner, region, law"),
        (ONE + "only = {}\n", "expected owner, region, law or severity"),
        (ONE + 'only = {severity = ["fatal"]}\n', "found 'fatal'"),
        (ONE + 'gets = "rest"\nonly = {law = ["wmo"]}\n', "found only beside gets = 'rest'"),
        (ONE + 'quiet = {from = "22:00", to = "22:00"}\n', "two that differ"),
        (ONE + 'quiet = {from = "25:00", to = "07:00"}\n', "25:00"),
        (ONE + 'quiet = {form = "22:00", to = "07:00"}\n', "channels.0.quiet"),
        (ONE + 'digest = {at = "08:00Z"}\n', "a time with a time zone"),
        (ONE + 'digest = {at = "08:00", days = ["maandag"]}\n', "maandag"),
        (ONE + 'escalate = {to = "b", after_hours = 4}\n', "escalates to 'b', expected the name of another channel"),
        (ONE + 'escalate = {to = "a", after_hours = 4}\n', "escalates to 'a', expected the name of another channel"),
        (ONE + 'escalate = {to = "a", after_hours = 0}\n', "greater than 0"),
        (ONE + 'escalate = {to = "b", after_hours = inf}\n', "less than or equal to 8760"),
        (ONE + ONE, "two channels have the name 'a', expected names of their own"),
    ],
)
def test_a_mistake_in_a_channel_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NULMETING_CONFIG", raising=False)
    (tmp_path / "nulmeting.toml").write_text(text)
    with pytest.raises(SetupError, match=said):
        load_settings()


@pytest.mark.parametrize("text", ['url = "mailto://u:s3cr3t@x"\nkid = "apprise"\n', 'url = ["mailto://u:s3cr3t@x"]\n'])
def test_no_error_about_a_channel_quotes_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NULMETING_CONFIG", raising=False)
    (tmp_path / "nulmeting.toml").write_text(ONE + text)
    with pytest.raises(SetupError) as caught:
        load_settings()
    assert "s3cr3t" not in str(caught.value)


def test_a_whole_channel_is_read_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NULMETING_CONFIG", raising=False)
    (tmp_path / "nulmeting.toml").write_text(
        ONE
        + 'only = {region = ["VB0001"]}\ndigest = {at = 08:00:00, days = ["monday", "thursday"]}\n'
        + 'quiet = {from = "18:00", to = "07:00", through = ["blocking"]}\nescalate = {to = "b", after_hours = 8}\n'
        + '[[channels]]\nname = "b"\nkind = "console"\ngets = "rest"\n'
    )
    first, second = load_settings().channels
    assert first.only and first.digest and first.quiet and first.escalate
    assert (first.digest.at, first.quiet.through, first.escalate.severity) == (
        dt.time(8),
        ("blocking",),
        ("blocking", "error"),
    )
    assert second.gets == "rest"
