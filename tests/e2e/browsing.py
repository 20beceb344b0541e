"""A real browser, and a page with everything that it loaded and complained of."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from app.people.person import Person
from tests.integration.faces import Face

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def launched(chromium_path: str) -> Iterator[Browser]:
    """Debian's chromium, ended at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
        yield browser
        browser.close()


class Watched:
    """A page, with everything that it loaded and complained of."""

    def __init__(self, browser: Browser, **context: Any) -> None:
        self.page: Page = browser.new_page(**context)
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        self.paths: set[str] = set()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._note(httpx.URL(request.url)))

    def _hear(self, message: ConsoleMessage) -> None:
        # htmx reports it as an error that a newer request took an older one's place; the browser
        # misses a user's name beside the key.
        if not message.text.startswith(("htmx:sendAbort", "htmx:afterRequest", "[DOM] Password")):
            self.complaints.append(message.text)

    def _note(self, url: httpx.URL) -> None:
        self.hosts.add(url.netloc.decode())
        self.paths.add(url.path)

    def close(self) -> None:
        self.page.close()


def sign_in(context: BrowserContext, node: Face, person: Person) -> None:
    """This person is signed in in a browser."""
    name, value = node.cookie(person)
    context.add_cookies([{"name": name, "value": value, "url": node.url}])


# Every text against what lies behind it: WCAG AA, 4.5 to 1 (3 to 1 for large text).
CONTRASTS = """() => {
    const numbers = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
    const luminance = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map((c) => {
            c /= 255;
            return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const behind = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const color = numbers(getComputedStyle(one).backgroundColor);
            if (color.length === 3 || color[3] > 0) return color;
        }
        return [255, 255, 255];
    };
    const faint = new Set();
    for (const element of document.querySelectorAll("body *")) {
        const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
        if (!own || !element.checkVisibility()) continue;
        if (element.closest(".visually-hidden, .moved")) continue;
        const style = getComputedStyle(element);
        const [a, b] = [luminance(numbers(style.color)), luminance(behind(element))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const large = parseFloat(style.fontSize) >= 24;
        if (ratio < (large ? 3 : 4.5)) faint.add(`${element.className}: ${ratio.toFixed(2)}`);
    }
    return [...faint];
}"""


def place_of(page: Page, selector: str) -> dict[str, float]:
    """Where an element stands and how large it is, in pixels; asked in one step, between which and
    another a live frame may put a new one in its place."""
    place: dict[str, float] = page.evaluate(
        """selector => {
            const one = document.querySelector(selector);
            return {...one.getBoundingClientRect().toJSON(), whole: one.scrollHeight,
                shown: one.clientHeight};
        }""",
        selector,
    )
    return place
