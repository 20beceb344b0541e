"""The pages keep to their content security policy: nothing in them is a script or a style."""

import re
from pathlib import Path

import pytest

from app.web.site import _POLICY

TEMPLATES = sorted((Path(__file__).parents[2] / "app" / "web" / "templates").glob("**/*.html"))
STYLES = sorted((Path(__file__).parents[2] / "app" / "web" / "static").glob("*.css"))
AGAINST_IT = {
    "a script in the page": r"<script(?![^>]*\bsrc=)",
    "a style in the page": r"<style|\sstyle\s*=",
    "an event's handler": r"\s(?:on[a-z]+|hx-on[:a-z-]*)\s*=",
    "an address that is a script": r"javascript:",
    "what htmx would evaluate": r"hx-vals\s*=\s*['\"]js:|hx-trigger\s*=\s*['\"][^'\"]*\[",
    "another host": r"(?:src|href|action)\s*=\s*['\"](?:https?:)?//",
}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_nothing_against_the_policy(template: Path) -> None:
    text = template.read_text()
    assert [what for what, pattern in AGAINST_IT.items() if re.search(pattern, text)] == []


def test_a_form_that_posts_carries_the_sessions_token() -> None:
    """Signing in and enrolling alone have no session yet; those forms are held to their origin."""
    for template in TEMPLATES:
        if template.name in (
            "login.html",
            "enrol.html",
            "key_login.html",
            "channels.html",
            "wall_sign_in.html",
        ):
            continue
        for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", template.read_text(), re.S):
            assert 'name="csrf"' in form, template.name


def test_the_policy_allows_this_site_alone() -> None:
    assert "'unsafe" not in _POLICY
    assert "frame-ancestors 'none'" in _POLICY
    assert "default-src 'none'" in _POLICY
    assert re.findall(r"https?:", _POLICY) == []


@pytest.mark.parametrize("sheet", STYLES, ids=lambda path: path.name)
def test_a_style_is_of_something_that_a_page_has(sheet: Path) -> None:
    web = sheet.parents[1]
    sources = [*TEMPLATES, *web.glob("*.py"), *web.glob("*/*.py"), *web.glob("static/*.js")]
    written = set(re.findall(r"[\w-]+", " ".join(path.read_text() for path in sources)))
    rules = re.sub(r"/\*.*?\*/|\{[^{}]*\}", "{}", sheet.read_text(), flags=re.DOTALL)
    assert sorted(set(re.findall(r"\.([a-zA-Z][\w-]*)", rules)) - written) == []
