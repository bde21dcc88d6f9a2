"""One browser for all tests here; a server and fresh browser profiles for each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec.structs import replace
from playwright.async_api import Browser, async_playwright, expect
from stage import ARGUMENTS, PATIENCE_SECONDS, House, Screens, chromium, missing_matters, playbook
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from rtig.core.playbook import Playbook
from rtig.gateway.pages import WEB
from rtig.lane import worker


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    assert (WEB / "agent.html").is_file(), "The pages have not been built: run `make pages`."
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    async with async_playwright() as playwright:
        path = chromium(playwright)
        if path is None and not missing_matters():
            pytest.skip("There is no Chromium; install Debian's `chromium`, or run `playwright install chromium`.")
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Playbook:
    return playbook(tmp_path_factory.mktemp("knowledge"))


@pytest_asyncio.fixture(loop_scope="session")
async def house(book: Playbook, tmp_path: Path) -> AsyncIterator[House]:
    house = House(book, tmp_path)
    await house.open()
    yield house
    await house.leave()


@pytest_asyncio.fixture(loop_scope="session")
async def understanding(book: Playbook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A house whose model finds articles by meaning, and is away long enough to be seen to be."""
    monkeypatch.setattr(worker, "FIRST_WAIT_SECONDS", 3.0)
    # What nothing shipped is to be learned for is learned at once.
    foreign = Playbook(replace(book.source, language="nl"), SentimentIntensityAnalyzer())
    house = House(foreign, tmp_path, meaning="auto")
    await house.open()
    yield house
    await house.leave()


@pytest_asyncio.fixture(loop_scope="session")
async def screens(browser: Browser, house: House) -> AsyncIterator[Screens]:
    """Pages; at the end it is an error if one of them logged an error or asked anything of another origin."""
    screens = Screens(browser, house)
    yield screens
    await screens.leave()
