"""axe-core finds nothing on a benchmark's report, and nothing is too wide."""

import pytest
from stage import Screens
from test_browser_accessibility import audit

from benchmarks import report
from benchmarks.report import Run

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

AXIS = {
    "points": [10, 100, 1000, 5000], "us": [201.5, 209.0, 240.8, 278.9], "us_final": [400, 410, 420, 430.5],
    "us_interim": [160, 170, 180, None], "growth": [1.1, 1.2, 1.3], "target": 1.3, "passed": True,
}  # fmt: skip
LATENCY = {
    "calls": 100, "p50_us": 900, "p95_us": 2000, "p99_us": 4000, "p999_us": 9000, "floor_p50_us": 200,
    "floor_p99_us": 500, "lost": 0, "stages": {"fold": {"p50_us": 300, "p99_us": 900}, "encode": {"p50_us": 30}},
    "a_name_that_goes_on_and_on_and_does_not_end_before_the_edge": "a value that goes on and on as well",
    "steps": [{"calls": calls, "p99_us": 9 * calls, "rss_mb": 80.5, "lost": 0} for calls in (100, 200, 400)],
}  # fmt: skip


@pytest.mark.parametrize(("suite", "figures"), [("growth", {"axes": {"calls": AXIS}}), ("latency", LATENCY)])
async def test_a_report(screens: Screens, suite: str, figures: dict[str, object]) -> None:
    run = Run(
        suite, f"python -m benchmarks {suite}", "2026-11-27 10:00", 9.0, 1, {"processor": "a fast one"}, [figures]
    )
    page = await screens.blank()
    for text in (report.page(run), report.index([run])):
        await page.set_content(text)
        await audit(page, "report")
