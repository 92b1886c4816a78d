"""The example CRM does what its README says, and answers hostile input with a clear 4xx."""

import importlib
import json
import shutil
import socket
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from stores.worlds import T

EXAMPLE = Path(__file__).parents[2] / "examples" / "fastapi_crm"
MODULES = ("app", "board", "database", "people", "problems", "worker")
CHROMIUM = shutil.which("chromium")
MIA, SAM, DPO = ({"X-User": name} for name in ("mia", "sam", "dpo"))


@pytest.fixture
def crm(tmp_path, monkeypatch):
    """The example's modules, over a database of their own and a clock that stands."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    modules = importlib.import_module("app")
    database = importlib.import_module("database")
    modules.app.state.store = database.open_store(f"sqlite:///{tmp_path}/crm.db")
    modules.app.state.clock = lambda: T
    yield modules
    modules.app.state.store.close()
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def client(crm):
    from starlette.testclient import TestClient

    with TestClient(crm.app, raise_server_exceptions=False) as made:
        yield made


def begun(client, lead="ada", **more):
    answer = client.post(
        "/leads", json={"id": lead, "stage": "name", "fields": {"email": "a@x", "employees": 5}, **more}, headers=MIA
    )
    assert answer.status_code == 201, answer.text
    return answer


def test_a_lead_from_start_to_erasure(client):
    assert begun(client).headers["location"] == "/leads/ada"
    said = client.post("/leads/ada/activities", json={"kind": "call"}, headers=SAM).json()
    assert (said["stage"], said["scores"]["interest"]) == ("name", {"value": 20.0, "band": "warm"})
    etag = client.get("/leads/ada").headers["etag"]
    moved = client.post("/leads/ada/moves", json={"trigger": "engage"}, headers={**MIA, "If-Match": etag})
    assert (moved.status_code, moved.json()["stage"]) == (200, "engagement")
    for name in ("fit", "mql"):
        client.post("/leads/ada/evidence", json={"name": name, "note": "she said so"}, headers=MIA)
    buttons = {one["trigger"]: one for one in client.get("/leads/ada/buttons", headers=SAM).json()}
    assert buttons["fit"]["allowed"]
    assert buttons["disqualify"]["needs"] == ["reason"]
    assert client.post("/leads/ada/fields", json={"name": "employees", "value": 60}, headers=MIA).status_code == 201
    assert client.get("/leads/ada").json()["fields"]["employees"] == 60
    assert any("engage" in line["text"] for line in client.get("/leads/ada/explanation").json())
    assert client.get("/leads/ada/scores/interest").json()["lines"]
    assert client.get("/leads/ada/export", headers=SAM).status_code == 403
    assert client.get("/leads/ada/export", headers=DPO).json()["pipelines"]["main"]["fields"]["email"] == "a@x"
    assert client.delete("/leads/ada", headers=DPO).json()["erased"][0]["erased_at"]
    assert client.get("/leads/ada").json()["fields"] == {}
    assert client.post("/leads/ada/activities", json={"kind": "call"}, headers=SAM).status_code == 410
    assert client.get("/board/ada").status_code == 200


def test_if_match_and_keys(client):
    begun(client)
    move = {"trigger": "disqualify", "reason": "poor fit"}
    assert client.post("/leads/ada/moves", json=move, headers=SAM).status_code == 428
    assert client.post("/leads/ada/moves", json=move, headers={**SAM, "If-Match": '"99"'}).status_code == 412
    assert client.post("/leads/ada/moves", json=move, headers={**SAM, "If-Match": "abc"}).status_code == 412
    headers = {**SAM, "If-Match": '"1"', "Idempotency-Key": "button 7"}
    assert client.post("/leads/ada/moves", json=move, headers=headers).json()["repeated"] is False
    assert client.post("/leads/ada/moves", json=move, headers=headers).json()["repeated"] is True
    assert client.post("/leads/ada/moves", json={"trigger": "engage"}, headers=headers).status_code == 422
    for _ in range(3):
        client.post("/leads/ada/activities", json={"kind": "call"}, headers={**SAM, "Idempotency-Key": "call 1"})
    assert client.get("/leads/ada").json()["version"] == 6


def test_work_lists_and_the_sweep(client, crm):
    for number in range(5):
        begun(client, f"lead {number}")
    client.post("/leads/lead 3/activities", json={"kind": "call"}, headers=SAM)
    page = client.get("/work", params={"stage": "name", "limit": 2}).json()
    assert [one["lead"] for one in page["leads"]] == ["lead 0", "lead 1"]
    assert client.get("/work", params={"stage": "name", "after": page["after"]}).json()["after"] is None
    wake = client.get("/leads/lead 3").json()["wake_at"]
    assert [one["lead"] for one in client.get("/work", params={"due_by": wake}).json()["leads"]] == ["lead 3"]
    assert "1 waiting for the sweep" not in client.get("/board").text
    crm.app.state.clock = lambda: T + timedelta(days=90)
    assert "1 waiting for the sweep" in client.get("/board").text
    list(crm.app.state.store.sweep(T + timedelta(days=90)))
    assert "nothing is due" in client.get("/board").text
    assert client.get("/work", params={"status": "opened"}).status_code == 422


def test_the_worker_sweeps_and_says_what_it_did(client, crm, monkeypatch, capsys):
    begun(client)
    client.post("/leads/ada/activities", json={"kind": "call"}, headers=SAM)
    worker = importlib.import_module("worker")
    monkeypatch.setattr(worker, "open_store", lambda: crm.app.state.store)
    monkeypatch.setattr(worker, "clock", lambda: T + timedelta(days=90))

    def stop(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(worker.time, "sleep", stop)
    with pytest.raises(KeyboardInterrupt):
        worker.main()
    assert client.get("/leads/ada").json()["scores"]["interest"]["band"] == "cold"
    assert "Traceback" not in capsys.readouterr().out


HOSTILE = [
    ("post", "/leads", {"json": {"id": "x\n\x00"}}, 422),
    ("post", "/leads", {"json": {"id": "x" * 1_000}}, 422),
    ("post", "/leads", {"json": {"id": ""}}, 422),
    ("post", "/leads", {"json": {"id": "a/b"}}, 422),
    ("post", "/leads", {"json": {"id": "x", "surprise": 1}}, 422),
    ("post", "/leads", {"json": {"id": "x", "fields": {"employees": "many"}}}, 422),
    ("post", "/leads", {"json": {"id": "x", "fields": {"__class__": 1}}}, 422),
    ("post", "/leads", {"json": {"id": "x", "stage": "'; DROP TABLE leadlife_facts; --"}}, 422),
    ("post", "/leads", {"json": {"id": "x", "channel": "a" * 5_000}}, 422),
    ("post", "/leads", {"content": b"[" * 30_000}, 400),
    ("post", "/leads", {"content": b"[" * 30_000 + b"]" * 30_000}, (400, 422)),
    ("post", "/leads", {"content": b"\xff\xfe{}"}, (400, 422)),
    ("post", "/leads", {"content": b'{"id": "\\ud800"}'}, 422),
    ("post", "/leads", {"content": b"x" * 70_000}, 413),
    ("post", "/leads", {"content": b'{"id": "x", "fields": {"employees": 1e400}}'}, (400, 422)),
    ("post", "/leads", {"content": b'{"id": "x", "fields": {"employees": ' + b"9" * 5_000 + b"}}"}, (400, 422)),
    ("post", "/leads/ada/activities", {"json": {"kind": "call", "at": "2026-03-02T09:00:00"}}, 422),
    ("post", "/leads/ada/activities", {"json": {"kind": "call", "at": "9999-12-31T00:00:00Z"}}, 422),
    ("post", "/leads/ada/activities", {"json": {"kind": "cal"}}, 422),
    ("post", "/leads/ada/evidence", {"json": {"name": "fit", "note": "x" * 20_000}}, 422),
    ("post", "/leads/nobody/activities", {"json": {"kind": "call"}}, 404),
    ("post", "/leads/ada/activities", {"json": {"kind": "call"}, "headers": {"Idempotency-Key": "k" * 300}}, 422),
    ("get", "/leads/%27%20OR%201=1%20--", {}, 404),
    ("get", "/leads/..%2f..%2fetc%2fpasswd", {}, 404),
    ("get", "/work", {"params": {"limit": "1e9"}}, 422),
    ("get", "/work", {"params": {"due_by": "yesterday"}}, 422),
    ("get", "/leads/ada/scores/none", {}, 422),
    ("get", "/nowhere", {}, 404),
    ("put", "/leads", {}, 405),
]


@pytest.mark.parametrize(("method", "path", "options", "status"), HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_input_gets_a_clear_4xx(client, method, path, options, status):
    begun(client)
    before = client.get("/work").json()
    headers = {**SAM, "Content-Type": "application/json", **options.pop("headers", {})} if method == "post" else SAM
    answer = client.request(method, path, headers=headers, **options)
    assert answer.status_code in (status if isinstance(status, tuple) else (status,)), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert said["status"] == answer.status_code
    assert said["detail"]
    assert client.get("/work").json() == before


def test_who_acts_must_be_known(client):
    for headers in ({}, {"X-User": "root"}, {"X-User": "sam\r\nX-Admin: 1"}):
        assert client.post("/leads", json={"id": "x"}, headers=headers).status_code in (400, 401)


def test_names_never_become_headers_or_markup(client):
    begun(client, "ada\u2028<script>alert(1)<script>&'\"")
    lead = client.get("/work").json()["leads"][0]["lead"]
    assert "<script>" in lead
    client.post(f"/leads/{lead}/evidence", json={"name": "fit", "note": "<b>x</b>"}, headers=MIA)
    page = client.get("/board")
    assert "<script>" not in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_a_fault_of_ours_shows_nothing(client, crm):
    begun(client)
    with crm.app.state.store._context.database.writing() as session:
        session.run("UPDATE leadlife_leads SET stage = 'customer'")
    answer = client.get("/leads/ada")
    assert (answer.status_code, answer.json()["code"]) == (500, "damaged")
    assert "leadlife_leads" not in answer.text


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_the_board_is_drawn_in_a_browser(crm, client, tmp_path):
    import uvicorn

    for number, lead in enumerate(("Ada Lovelace", "Grace Hopper", "<img src=x onerror=document.title='hacked'>")):
        begun(client, lead, stage=("awareness", "name", "name")[number])
        client.post(f"/leads/{lead}/activities", json={"kind": "call"}, headers=SAM)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(crm.app, host="127.0.0.1", port=port, log_level="error", lifespan="off"))
    running = threading.Thread(target=server.run, daemon=True)
    running.start()
    try:
        while not server.started:
            pass
        base = f"http://127.0.0.1:{port}"
        page = browse(f"{base}/board", tmp_path)
        assert page.count('class="column"') == 11
        assert "Ada Lovelace" in page
        assert "<title>Board</title>" in page
        one = browse(f"{base}/board/Ada%20Lovelace", tmp_path)
        assert "Score interest" in one
        assert "Timeline" in one
    finally:
        server.should_exit = True
        running.join(20)


def browse(url, folder):
    """Return the document that a browser makes of a page, after whatever it ran."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--window-size=1500,700"]
    profile = [f"--user-data-dir={folder}/profile", f"--screenshot={folder}/page.png"]
    done = subprocess.run([CHROMIUM, *flags, *profile, "--dump-dom", url], capture_output=True, text=True, timeout=90)
    return done.stdout


def test_the_readme_names_every_request(crm):
    text = (EXAMPLE / "README.md").read_text()
    paths = {
        route.path
        for route in crm.app.routes
        if hasattr(route, "methods") and route.path.startswith(("/leads", "/work", "/board"))
    }
    for path in paths:
        assert path.split("/")[-1].strip("{}") in text, path
    assert json.dumps(sorted(paths))
