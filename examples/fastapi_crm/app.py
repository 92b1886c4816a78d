"""A small CRM: leads, activities, moves, buttons, work lists, a board and erasure over a store of leadlife."""

from datetime import datetime
from typing import Annotated, Any

import board
from database import clock, open_store
from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from people import PEOPLE
from problems import add_problems
from pydantic import BaseModel, ConfigDict, Field

from leadlife import ActivityRecorded, Actor, EvidenceGiven, FieldChanged, Journey, Lead, Source
from leadlife.errors import VersionConflict
from leadlife.stores import LeadState, Saved, SqlStore

app = FastAPI(title="A small CRM")
add_problems(app)


def the_store(request: Request) -> SqlStore:
    """Return the store, which is opened with the first request."""
    if not hasattr(request.app.state, "store"):
        request.app.state.store = open_store()
    store: SqlStore = request.app.state.store
    return store


def the_time(request: Request) -> datetime:
    """Return the time of this request."""
    now: datetime = getattr(request.app.state, "clock", clock)()
    return now


def the_user(x_user: Annotated[str, Header()] = "") -> Actor:
    """Return who acts."""
    if x_user not in PEOPLE:
        raise HTTPException(401, "say who acts in the header X-User")
    return PEOPLE[x_user]


Store = Annotated[SqlStore, Depends(the_store)]
Now = Annotated[datetime, Depends(the_time)]
User = Annotated[Actor, Depends(the_user)]
Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]
Scalar = bool | int | float | str


class Body(BaseModel):
    """What a request says; unknown names are refused."""

    model_config = ConfigDict(extra="forbid")


class NewLead(Body):
    """A lead to start."""

    id: Annotated[str, Field(pattern="^[^/]+$", max_length=300)]  # it stands in paths
    stage: str | None = None
    channel: str | None = None
    fields: dict[str, Scalar] = {}


class NewActivity(Body):
    """Something that the lead did; ``at`` where it was earlier than now."""

    kind: str
    attributes: dict[str, Scalar] = {}
    at: datetime | None = None


class NewEvidence(Body):
    """A yes or no to a question of the playbook."""

    name: str
    value: bool = True
    note: str | None = None


class NewField(Body):
    """A field of the lead; no value clears it."""

    name: str
    value: Scalar | None = None


class Move(Body):
    """A trigger to fire."""

    trigger: str
    reason: str | None = None
    note: str | None = None


def shown(state: LeadState) -> dict[str, Any]:
    """Return where a lead stands, as plain values."""
    scores = {name: score._asdict() for name, score in state.scores.items()}
    return {**state._asdict(), "scores": scores, "playbook": " ".join(state.playbook)}


def answer(saved: Saved, response: Response, status: int = 201) -> dict[str, Any]:
    """Answer with the state, and with what is new."""
    response.headers["ETag"] = f'"{saved.state.revision}"'
    response.status_code = 200 if saved.repeated else status
    return {**shown(saved.state), "new": [fact.type for fact in saved.new], "repeated": saved.repeated}


@app.post("/leads", status_code=201)
def start(body: NewLead, response: Response, store: Store, now: Now, user: User, key: Key = None) -> dict[str, Any]:
    """Start a lead."""
    lead = Lead(id=body.id, fields=body.fields, identified="email" in body.fields)
    source = None if body.channel is None else Source(channel=body.channel)
    saved = store.start(lead, at=now, now=now, stage=body.stage, by=user, source=source, key=key)
    response.headers["Location"] = f"/leads/{saved.state.lead}" if saved.state.lead.isascii() else "/work"
    return answer(saved, response)


@app.get("/leads/{lead}")
def read(lead: str, response: Response, store: Store) -> dict[str, Any]:
    """Return where a lead stands."""
    state = store.state(lead)
    response.headers["ETag"] = f'"{state.revision}"'
    fields = {} if state.erased_at is not None else dict(store.load(lead, tail=True).fields)
    return {**shown(state), "fields": fields}


def record(store: SqlStore, lead: str, fact: Any, now: datetime, key: str | None) -> Saved:
    """Record a fact of a lead that is known."""
    return store.apply(
        lead, lambda journey: journey.record(fact, now=now), key=key, content=fact.content(timeless=True)
    )


@app.post("/leads/{lead}/activities", status_code=201)
def add_activity(
    lead: str, body: NewActivity, response: Response, store: Store, now: Now, user: User, key: Key = None
) -> dict[str, Any]:
    """Record something that the lead did."""
    fact = ActivityRecorded(kind=body.kind, attributes=body.attributes, at=body.at or now, by=user)
    return answer(record(store, lead, fact, now, key), response)


@app.post("/leads/{lead}/evidence", status_code=201)
def add_evidence(
    lead: str, body: NewEvidence, response: Response, store: Store, now: Now, user: User, key: Key = None
) -> dict[str, Any]:
    """Record a yes or no."""
    fact = EvidenceGiven(name=body.name, value=body.value, note=body.note, at=now, by=user)
    return answer(record(store, lead, fact, now, key), response)


@app.post("/leads/{lead}/fields", status_code=201)
def change_field(
    lead: str, body: NewField, response: Response, store: Store, now: Now, user: User, key: Key = None
) -> dict[str, Any]:
    """Change a field."""
    fact = FieldChanged(name=body.name, value=body.value, at=now, by=user)
    return answer(record(store, lead, fact, now, key), response)


def seen(if_match: Annotated[str | None, Header()] = None) -> int:
    """Return the revision that the client has seen."""
    if if_match is None:
        raise HTTPException(428, "send the ETag of the lead in If-Match, so that nobody's move is overtaken")
    text = if_match.strip('"')
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise HTTPException(412, "this is no ETag of a lead")
    return int(text)


@app.post("/leads/{lead}/moves")
def move(
    lead: str,
    body: Move,
    response: Response,
    store: Store,
    now: Now,
    user: User,
    revision: Annotated[int, Depends(seen)],
    key: Key = None,
) -> dict[str, Any]:
    """Fire a trigger."""

    def change(journey: Journey) -> Journey:
        return journey.move(body.trigger, reason=body.reason, note=body.note, at=now, now=now, by=user)

    try:
        saved = store.apply(lead, change, key=key, content=body.model_dump_json(), expected_revision=revision)
    except VersionConflict as error:
        raise HTTPException(412, f"{error.message}: read it again") from None
    return answer(saved, response, 200)


@app.get("/leads/{lead}/buttons")
def buttons(lead: str, store: Store, now: Now, user: User) -> list[dict[str, Any]]:
    """Return what may be fired now, and if not, why not."""
    erased = store.state(lead).erased_at
    return [] if erased is not None else board.buttons_of(store.load(lead), now, user)


@app.get("/leads/{lead}/explanation")
def explanation(lead: str, store: Store) -> list[dict[str, Any]]:
    """Return how a lead came where it is."""
    return [line.to_dict() for line in store.load(lead).explain()]


@app.get("/leads/{lead}/scores/{policy}")
def score(lead: str, policy: str, store: Store, now: Now) -> dict[str, Any]:
    """Return a score as a ledger whose lines add up."""
    return store.load(lead).score(policy, at=now).dump()


@app.get("/work")
def work(
    store: Store,
    stage: Annotated[list[str] | None, Query()] = None,
    status: Annotated[list[str] | None, Query()] = None,
    owner: str | None = None,
    qualification: str | None = None,
    due_by: datetime | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """Return a page of a work list."""
    page = store.find(
        stage=stage,
        status=status,
        owner=owner,
        qualification=qualification,
        due_by=due_by,
        after=None if after is None else (after, "main"),
        limit=limit,
    )
    return {"leads": [shown(state) for state in page], "after": page[-1].lead if len(page) == limit else None}


@app.get("/leads/{lead}/export")
def export(lead: str, store: Store, user: User) -> dict[str, Any]:
    """Return everything that is known of a lead, to whoever answers for privacy."""
    _for_privacy(user)
    return store.export(lead)


@app.delete("/leads/{lead}")
def erase(lead: str, store: Store, now: Now, user: User) -> dict[str, Any]:
    """Erase what is personal about a lead."""
    _for_privacy(user)
    return {"erased": [shown(state) for state in store.erase(lead, at=now, by=user, reason="requested")]}


def _for_privacy(user: Actor) -> None:
    if "privacy" not in user.roles:
        raise HTTPException(403, "only who answers for privacy may do this")


@app.get("/board")
def show_board(store: Store, now: Now) -> HTMLResponse:
    """Show the stages as columns."""
    return board.page(store, now)


@app.get("/board/{lead}")
def show_lead(lead: str, store: Store, now: Now, user: str = "sam") -> HTMLResponse:
    """Show a lead: its timeline, its buttons, and its scores."""
    return board.lead_page(store, lead, now, PEOPLE.get(user, PEOPLE["sam"]))


@app.get("/")
def home() -> RedirectResponse:
    """Lead to the board."""
    return RedirectResponse("/board")
