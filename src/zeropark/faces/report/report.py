"""Writes the report of a run: `run.json` and `series.parquet` as one file that opens offline."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from zeropark.faces.report import sankey, story
from zeropark.faces.report.curves import Curves, read_curves
from zeropark.faces.report.flows import Flow, energy_flows
from zeropark.faces.report.payload import absent_readings, charts, computing, label_of
from zeropark.faces.report.shown import ABSENT, Measure, amount, instant, percent, period, ratio
from zeropark.faces.report.words import DOT, WORDS, join, say
from zeropark.faces.theme import style_sheet
from zeropark.units.text import Text
from zeropark.units.timegrid import to_utc

FOLDER = Path(__file__).parent
VENDOR = FOLDER.parent / "vendor"
# In the order in which they import each other.
MODULES = ("format", "paint", "supply", "lanes", "halves", "map", "page")
_MOST_GAVE_WAY = 12
_NUMBER = re.compile(r"[-+]?[\d.]+(e[-+]?\d+)?")
_LANE_PX = 88
_ROW_PX = 26
_AXIS_PX = 28

Run = Mapping[str, Any]


def write_report(run: Run, series: Path, out: Path) -> Path:
    """Write `report.html` into the folder `out` and return its path.

    run: what `run.json` holds. series: the run's `series.parquet`. Every number on the page comes
    from these two; one that is absent is shown as absent. Raises OSError where a file cannot be
    read or written.
    """
    curves = read_curves(series, run)
    flows = energy_flows(run["energy"], run["assets"], computing(run, curves))
    drawn = charts(run, curves, flows)
    target = out / "report.html"
    target.write_text(_page(run, curves, flows, drawn), encoding="utf-8")
    return target


def _page(run: Run, curves: Curves, flows: Sequence[Flow], drawn: Mapping[str, Any]) -> str:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        w=_Words(),
        absent=ABSENT,
        run=run,
        **_head(run),
        **_tables(run),
        **_figures(run, flows, drawn),
        **_foot(run, curves, drawn),
        **_carried(drawn),
    )


class _Words:
    """The words of the page as attributes, for the template."""

    def __getattr__(self, key: str) -> Text:
        return WORDS[key]


def _text(both: Mapping[str, str]) -> Text:
    return Text(both["en"], both["zh"])


def _head(run: Run) -> dict[str, Any]:
    days = Measure(Text("", ""), decimals=(2, 2))
    partial = None
    if run.get("partial"):
        partial = say("partial", done=days.number(run["days_run"]), asked=run["days"])
    headline = story.headline(run)
    zone = run["place"]["zone"]
    start = instant(str(to_utc(np.datetime64(run["start"], "s"), zone)))
    end = start + dt.timedelta(days=run["days_run"])
    return {
        "park": _text(run["park_label"]),
        "period": period(start, end, zone),
        "partial": partial,
        "headline": headline,
        # Chinese has no spaces to break a line at: between two clauses is the place.
        "phrases": re.findall(r"[^，。]+[，。]?", headline.zh),
        "paragraph": story.paragraph(run),
    }


def _tables(run: Run) -> dict[str, Any]:
    gave = [_text(each["sentence"]) for each in run["gave_way"]]
    more = len(gave) - _MOST_GAVE_WAY
    return {
        "rows": story.comparison(run),
        "compared": run["policy"] == "plan" and story.at(run, "compare", "rules") is not None,
        "foreseen": story.at(run, "compare", "foresight") is not None,
        "own_head": WORDS["plan_as_run" if run["policy"] == "plan" else "rules_as_run"],
        "columns": story.columns(run),
        "cost": list(story.cost_rows(run)),
        "service": list(story.service_rows(run)),
        "lists": [
            (WORDS["shares"], story.share_rows(run)),
            (WORDS["missing"], story.missing_rows(run)),
            (WORDS["plans"], story.plan_rows(run)),
        ],
        "gave": gave[:_MOST_GAVE_WAY],
        "gave_more": say("gave_more", count=more) if more > 0 else None,
    }


# -- figures ---------------------------------------------------------------------------------------


def _figures(run: Run, flows: Sequence[Flow], drawn: Mapping[str, Any]) -> dict[str, Any]:
    largest = max((flow.used for flow in flows), default=0.0)
    return {
        "flows": [
            (
                sankey.draw(flow, sankey.WIDE, _scale(flow, largest)),
                sankey.draw(flow, sankey.NARROW),
            )
            for flow in flows
        ],
        "carrier_words": {flow.carrier: _carrier(flow.carrier) for flow in flows},
        "supplies": list(_supplies(run, drawn)),
        "lanes": _lanes(drawn),
        "mapped": "map" in drawn,
        "cooling": _cooling(run, drawn),
        "jobs": _jobs(run, drawn),
    }


def _scale(flow: Flow, largest: float) -> float:
    """Return the energy that fills a picture's height: one scale for all, none too flat."""
    own = max(sum(band.mwh for band in side) for side in (flow.sources, flow.uses))
    return max(own, min(largest, 4 * own))


def _carrier(carrier: str) -> Text:
    return WORDS.get(carrier, Text(carrier, carrier))


def _supplies(run: Run, drawn: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for index, each in enumerate(drawn.get("supply", [])):
        carrier = each["carrier"]
        given = [e for e in run["energy"]["sources"] if e["carrier"] == carrier]
        most = max(given, key=lambda entry: entry["mwh"] or 0.0)
        total = sum(entry["mwh"] or 0.0 for entry in given)
        measure = amount("MWh", total)
        key = "supply_caption" if each["below"] else "supply_caption_plain"
        yield {
            "name": f"supply-{index}",
            "title": say("supply_of", carrier=_carrier(carrier)),
            "caption": say(key, means=_means(drawn["minutes"])),
            "summary": say(
                "supply_summary",
                first=label_of(most),
                amount=measure.number(most["mwh"]),
                total=measure.full(total),
            ),
        }


def _means(minutes: float) -> Text:
    named = {60.0: WORDS["hourly_means"], 1440.0: WORDS["daily_means"]}
    return named.get(minutes, say("minute_means", minutes=f"{minutes:g}"))


def _lanes(drawn: Mapping[str, Any]) -> dict[str, Any] | None:
    lanes = drawn.get("lanes")
    if not lanes:
        return None
    rows = len(lanes.get("reasons", []))
    plain = sum(key in lanes for key in ("price", "import", "soc"))
    means = _means(drawn["minutes"])
    return {
        # Of weeks no reasons are drawn, and nothing is said of them.
        "title": WORDS["lanes" if rows else "lanes_plain"],
        "caption": WORDS["lanes_caption"] if rows else say("lanes_plain_caption", means=means),
        "height": plain * _LANE_PX + (rows * _ROW_PX + 10 if rows else 0) + _AXIS_PX,
        "summary": _price_summary(lanes),
    }


def _price_summary(lanes: Mapping[str, Any]) -> Text | None:
    """Return between which import prices the run went, in CNY/kWh."""
    spread = lanes.get("price", {}).get("spread")
    if spread is None:
        return None
    low, high = spread
    measure = Measure(Text("", ""), factors=(1e-3, 1e-3), decimals=(4, 4))
    return say("lanes_summary", low=measure.number(low), high=measure.number(high))


def _cooling(run: Run, drawn: Mapping[str, Any]) -> dict[str, Any] | None:
    if "cooling" not in drawn:
        return None
    names = {mode["name"]: label_of(mode) for mode in run["cooling_modes"]}
    listed = [
        say("mode_hours", mode=names.get(name, Text(name, name)), hours=f"{time:,.1f}")
        for name, time in (run.get("cooling_hours") or {}).items()
        if time
    ]
    pue = run.get("pue")
    halls = [_text(each["label"]) for each in drawn["cooling"]["halls"]]
    return {
        "caption": say("cooling_caption", hall=join(*halls, between=Text(", ", "、"))),
        "height": 172 + 26 * len(halls),
        "summary": join(
            None if pue is None else say("pue", pue=ratio().number(pue)), *listed, between=DOT
        ),
    }


def _jobs(run: Run, drawn: Mapping[str, Any]) -> dict[str, Any] | None:
    if "jobs" not in drawn:
        return None
    share, late, done = (story.at(run, "jobs", key) for key in ("green_share", "late", "done"))
    theirs = story.at(run, "compare", "rules", "jobs", "green_share")
    led = share is not None and theirs is not None and share > theirs and run["policy"] == "plan"
    sentences = []
    if share is not None:
        green = say("jobs_green", share=percent().full(share))
        if run["policy"] == "plan" and theirs is not None:
            against = say("jobs_green_rules", share=percent().full(theirs))
            green = join(green, against, between=Text(" ", ""))
        sentences.append(green)
    if done is not None:
        whole = Measure(Text("", ""))
        sentences.append(say("jobs_done", done=whole.number(done), late=whole.number(late)))
    return {
        "title": WORDS["jobs_head_led" if led else "jobs_head"],
        "caption": say("jobs_caption", unit=WORDS[drawn["jobs"]["unit"]]),
        "summary": join(*sentences, between=DOT),
    }


# -- footer ----------------------------------------------------------------------------------------


def _foot(run: Run, curves: Curves, drawn: Mapping[str, Any]) -> dict[str, Any]:
    holes = absent_readings(drawn)
    assumed = list(_assumptions(run))
    data = [
        say("intervals", there=f"{curves.recorded:,}", all=f"{curves.expected:,}"),
        say("intervals_holes", holes=f"{holes:,}") if holes else None,
        *(_text(each) for each in run.get("findings") or []),
        say("assumed", count=len(assumed)) if assumed else None,
    ]
    return {
        "factors": [_factor(each) for each in run.get("factors") or []],
        "data": [sentence for sentence in data if sentence is not None],
        "proof": list(_proof(run)),
        "again": _command(run),
        "signed": _signed_head(run),
        "assumptions": assumed,
    }


def _factor(factor: Mapping[str, Any]) -> Text:
    """Return a factor with its value, date, source and how sure it is."""
    value = f"{factor['value']:g} {factor['unit']}".removesuffix(" 1")
    status = WORDS.get(factor["status"], Text(factor["status"], factor["status"]))
    return say(
        "factor",
        label=label_of(factor),
        value=value,
        date=factor["from"],
        source=factor["source"],
        status=status,
    )


def _assumptions(run: Run) -> Iterator[dict[str, Any]]:
    for each in run.get("assumptions") or []:
        yield {
            "label": label_of(each),
            "value": _as_written(each["value"], each["unit"]),
            "status": WORDS.get(each["status"], Text(each["status"], each["status"])),
            "source": each["source"],
        }


def _as_written(value: Any, unit: str) -> str:
    """Return a number of the park file; its unit follows where the file did not write one."""
    text = f"{value:g}" if isinstance(value, int | float) else str(value)
    bare = _NUMBER.fullmatch(text) is not None
    return f"{text}\u00a0{unit}" if bare and unit not in {"", "1"} else text


def _proof(run: Run) -> Iterator[Text]:
    yield WORDS["proof_files"]
    residual = run.get("balance_residual_max_mw")
    if residual is not None:
        watts = residual * 1e6
        yield say("residual", residual=f"{watts:,.0f}") if watts >= 1 else WORDS["balanced"]
    made = instant(run["made_at"])
    yield say("made", at=f"{made:%Y-%m-%d %H:%M} UTC", version=run["version"])
    yield WORDS["proof_again"]


def _signed_head(run: Run) -> dict[str, Any] | None:
    """Return the head of the ledger the run was posted into: a sentence, and its very text."""
    head = run.get("ledger_head")
    if head is None:
        return None
    said = json.loads(head["signed"])
    at = np.datetime64(int(said["at"]), "ms").astype("datetime64[s]")
    words = say("signed", size=f"{int(said['size']):,}", root=said["root"], at=f"{at}Z")
    return {"words": words, "text": json.dumps(head, ensure_ascii=False)}


def _command(run: Run) -> list[str]:
    """Return the command of the same run, in the pieces at which it may be broken."""
    return [
        f"zeropark run {run['park']}",
        f"--start {run['start']}",
        f"--days {run['days']}",
        f"--step {run['step_minutes']:g}min",
        f"--policy {run['policy']}",
        f"--seed {run['seed']}",
    ]


# -- what the file carries -------------------------------------------------------------------------


def _carried(drawn: Mapping[str, Any]) -> dict[str, str]:
    words = {key: {"en": text.en, "zh": text.zh} for key, text in WORDS.items()}
    return {
        "payload": _json({"words": words, "charts": drawn}),
        "echarts": _closed((VENDOR / "echarts.min.js").read_text(encoding="utf-8")),
        "fonts": _font("inter-latin.woff2"),
        "tokens": style_sheet(),
        "sheet": (FOLDER / "report.css").read_text(encoding="utf-8"),
        "importmap": _json({"imports": {f"report/{name}": _module(name) for name in MODULES}}),
    }


def _json(content: Any) -> str:
    """Return JSON that cannot end the script element it stands in."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for letter, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(letter, escape)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _closed(script: str) -> str:
    assert "</script" not in script.lower(), "a vendored script would end its own element"
    return script


def _font(name: str) -> str:
    data = base64.b64encode((VENDOR / name).read_bytes()).decode("ascii")
    return (
        "@font-face{font-family:Inter;font-style:normal;font-weight:100 900;font-display:block;"
        f"src:url(data:font/woff2;base64,{data}) format('woff2')}}\n"
    )


def _module(name: str) -> str:
    """Return an ES module as an address that holds its whole text."""
    data = base64.b64encode((FOLDER / f"{name}.js").read_bytes()).decode("ascii")
    return f"data:text/javascript;charset=utf-8;base64,{data}"
