"""Locust's page with the PACS tab. Imported only in the process that plays (locust patches it)."""

import json
from typing import Any

from locust.env import Environment
from locust.web import WebUI

from loadtest.play.board import COLUMNS, KEY, TITLE, Board


def open_page(environment: Environment, host: str, port: int, board: Board) -> str:
    """Locust's page with the PACS tab; its address."""
    page: WebUI = environment.create_web_ui(host, port, delayed_start=True)
    plain = page.update_template_args

    def with_tab() -> None:
        plain()  # type: ignore[no-untyped-call]
        structure = [{"key": key, "title": title} for key, title in COLUMNS.items()]
        page.template_args |= {
            "extended_tabs": [{"title": TITLE, "key": KEY}], "extended_tables": [{"key": KEY, "structure": structure}],
        }  # fmt: skip

    def with_rows(answer: Any) -> Any:
        from flask import request

        if request.path == "/stats/requests" and answer.is_json:
            told = {"key": KEY, "data": [{**row, "safeName": row["name"]} for row in board.rows()]}
            stats = [board.exact(row) for row in answer.json["stats"]]
            answer.set_data(json.dumps({**answer.json, "stats": stats, "extended_stats": [told]}))
        return answer

    setattr(page, "update_template_args", with_tab)  # noqa: B010  (what the page is made of, each time it is asked for)
    if page.app is not None:
        page.app.after_request(with_rows)
    page.start()
    return f"http://{host}:{port}"
