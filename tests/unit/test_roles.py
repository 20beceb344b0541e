"""The matrix of roles as it is published and as it is enforced."""

from pathlib import Path

from app.people.roles import MATRIX, POWERFUL, RIGHTS, ROLES

PAGE = Path(__file__).parents[2] / "docs" / "people.md"


def test_the_page_publishes_the_matrix() -> None:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    published = {}
    for line in lines:
        role, *marks = (cell.strip() for cell in line.strip("|").split("|"))
        assert len(marks) == len(RIGHTS), line
        published[role.strip("`")] = {
            right for right, mark in zip(RIGHTS, marks, strict=True) if mark == "yes"
        }
    assert published == {role: set(MATRIX[role]) for role in ROLES}


def test_who_gives_roles_neither_prepares_nor_signs() -> None:
    assert not MATRIX["administrator"] & {"prepare", "sign"}


def test_the_page_names_the_roles_that_two_administrators_give() -> None:
    line = next(one for one in PAGE.read_text().splitlines() if one.startswith("- the roles `"))
    assert {role for role in ROLES if f"`{role}`" in line} == POWERFUL


def test_no_single_role_prepares_and_signs() -> None:
    assert [role for role in ROLES if {"prepare", "sign"} <= MATRIX[role]] == []
