"""In which language pages and their live stream come: as chosen, else as the browser prefers."""

import httpx
import pytest

from app.locale import LANGUAGES
from tests.integration.faces import Face, csrf_of, enrolled

CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}


def is_in(language: str, answer: httpx.Response) -> bool:
    assert answer.headers["Content-Language"] == language
    return f'<html lang="{language}"' in answer.text


def choose(client: httpx.Client, language: str, csrf: str = "") -> httpx.Response:
    form = {"language": language, "csrf": csrf}
    return client.post(
        "/language", data=form, headers={"Referer": str(client.base_url.join("/legs?q=x"))}
    )


def test_as_the_browser_prefers_until_one_is_chosen(node: Face) -> None:
    client = node.client(None)
    assert is_in("en", client.get("/login"))
    assert is_in("zh-Hans", client.get("/login", headers=CHINESE))
    answer = choose(client, "en")
    assert (answer.status_code, answer.headers["location"]) == (303, "/legs?q=x")
    assert is_in("en", client.get("/login", headers=CHINESE))


def test_a_choice_is_kept_with_the_person_and_comes_along_to_another_browser(node: Face) -> None:
    person = enrolled(node.engine, "treasury")
    first = node.client(None)
    first.post("/login", data=person.form())
    page = first.get("/")
    assert is_in("en", page)
    assert choose(first, "zh-Hans", csrf_of(page.text)).status_code == 303
    assert is_in("zh-Hans", first.get("/"))
    second = node.client(None)
    second.post("/login", data=person.form() | {"code": person.recovery[0]})
    assert is_in("zh-Hans", second.get("/"))


def test_another_sites_form_chooses_nothing_and_leads_nowhere(node: Face) -> None:
    client = node.signed_in("viewer")
    assert choose(client, "zh-Hans").status_code == 403
    assert is_in("en", client.get("/"))
    for referer in ("http://elsewhere/legs", f"{node.url}//elsewhere/", "\x7f"):
        answer = client.post(
            "/language",
            data={"language": "xx", "csrf": csrf_of(client.get("/").text)},
            headers={"Referer": referer},
        )
        assert answer.headers["location"] == "/"
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_comes_live_is_in_the_readers_language(node: Face, language: str) -> None:
    client = node.signed_in("viewer")
    client.cookies.set("tally_language", language)
    shown = {"en": ">Live<", "zh-Hans": ">正常<"}
    other = next(text for tag, text in shown.items() if tag != language)
    with client.stream("GET", "/live") as stream:
        state = next(line for line in stream.iter_lines() if "data-state" in line)
    assert shown[language] in state
    assert other not in state
