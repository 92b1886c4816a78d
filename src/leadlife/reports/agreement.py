"""The agreement in words: a playbook as Markdown, for both teams to read and sign."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from leadlife.lifecycle.stages import EntryStage, Stage, StageType
from leadlife.lifecycle.transitions import EVERY_OPEN_STAGE, Transition, TransitionKind
from leadlife.playbook.playbook import Playbook
from leadlife.playbook.signing import Clause, clauses
from leadlife.qualification.rules import Hysteresis, QualificationRule
from leadlife.reports.engagement import engagement_lines
from leadlife.scoring.policy import Policy


def agreement(playbook: Playbook) -> str:
    """Return a playbook as Markdown: its stages, rules, moves, reasons and scores, and who signed what."""
    signed = {clause.path: clause for clause in clauses(playbook)}
    parts = [
        _head(playbook),
        *_section("Stages", _stages(playbook)),
        *_section("Qualifications", _qualifications(playbook, signed)),
        *_section("Readiness", _readiness(playbook, signed)),
        *_section("Moves", _moves(playbook, signed)),
        *_section("Reasons", _reasons(playbook)),
        *_section("Evidence", (f"- **{_plain(name)}**: {_plain(text)}" for name, text in playbook.evidence.items())),
        *_section("Scores", (line for policy in playbook.scores for line in _score(policy))),
        *(
            line
            for title, lines in engagement_lines(playbook)
            for line in _section(_plain(title), (f"- {_plain(line)}" for line in lines))
        ),
        *_section("Sign-offs", _sign_offs(signed.values())),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _head(playbook: Playbook) -> str:
    meaning = f"\n\n{_plain(playbook.meaning)}" if playbook.meaning else ""
    title = f"# {_plain(playbook.id)}, version {_plain(playbook.version)}"
    return f"{title}{meaning}\n\nDays are calendar days in the time zone {playbook.zone}.\n"


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield a section with its title; nothing if it has no lines."""
    content = list(lines)
    if content:
        yield f"## {title}\n"
        yield from content
        yield ""


def _stages(playbook: Playbook) -> Iterator[str]:
    life = playbook.lifecycle
    yield from _table(
        ("stage", "team", "meaning", "rules"),
        [(stage.name, stage.team or "", _meaning(stage), "; ".join(_stage_rules(stage))) for stage in life.stages],
    )
    yield ""
    yield f"A journey begins at {_entries(life.entries or (life.first,))}."
    if life.referral_entries:
        yield f"A referred lead begins at {_entries(life.referral_entries)}."


def _meaning(stage: Stage) -> str:
    status = "gate" if stage.type is StageType.GATE else stage.status.value
    return f"{status}: {stage.meaning}" if stage.meaning else status


def _stage_rules(stage: Stage) -> Iterator[str]:
    if stage.type is StageType.GATE:
        yield from (f"goes to {route.target} if {route.guard.sentence()}" for route in stage.routes)
        yield f"else goes to {stage.default}"
    elif stage.limit is not None:
        reason = f", {stage.limit.reason}" if stage.limit.reason else ""
        yield f"at most {stage.limit.after}, then {stage.limit.trigger}{reason}"
    else:
        yield "no time limit"
    if stage.cool_down is not None:
        yield f"no return for {stage.cool_down}"
    if stage.reentry_limit is not None:
        yield f"at most {stage.reentry_limit} returns since the last win"
    if stage.must_pass:
        yield "every path to a sale passes this stage"


def _entries(entries: Iterable[EntryStage]) -> str:
    parts = (
        f"{_plain(entry.stage)}" + (f" if {_plain(entry.guard.sentence())}" if entry.guard is not None else "")
        for entry in entries
    )
    return " or ".join(parts)


def _qualifications(playbook: Playbook, signed: dict[str, Clause]) -> Iterator[str]:
    for place, rule in enumerate(playbook.qualifications):
        yield from _qualification(rule, signed[f"qualifications.{place}"])


def _qualification(rule: QualificationRule, clause: Clause) -> Iterator[str]:
    label = f" ({_plain(rule.label)})" if rule.label else ""
    team = f", decided by {_plain(rule.team)}" if rule.team else ""
    yield f"### {_plain(rule.name)}{label}{team}\n"
    yield from _conditions(rule)
    by_hand = f"{' or '.join(map(_plain, rule.granted_by))} may" if rule.granted_by else "no role may"
    yield f"- {by_hand} grant and withdraw it by hand"
    yield f"- {_signatures(clause)}\n"


def _conditions(rule: Hysteresis) -> Iterator[str]:
    if rule.meaning:
        yield f"{_plain(rule.meaning)}\n"
    if rule.enter is not None:
        yield f"- begins when: {_plain(rule.enter.sentence())}"
    if rule.leave is not None:
        yield f"- ends when: {_plain(rule.leave.sentence())}"
    elif rule.lasting:
        yield "- does not end when this is no longer true"
    elif rule.enter is not None:
        yield "- ends when this is no longer true"
    if rule.valid_for is not None:
        yield f"- ends {rule.valid_for} after the latest fact that confirms it"


def _readiness(playbook: Playbook, signed: dict[str, Clause]) -> Iterator[str]:
    rule = playbook.readiness
    if rule is None:
        return
    yield "A lead is late while the rule late holds, else mid while the rule mid holds, else early.\n"
    for name, condition in (("mid", rule.mid), ("late", rule.late)):
        yield f"### {name}\n"
        yield from _conditions(condition)
        yield ""
    days = "day" if playbook.review_days == 1 else f"{playbook.review_days} days"
    yield f"Scores that fade are evaluated again every {days}, at midnight.\n"
    yield _signatures(signed["readiness"])


def _moves(playbook: Playbook, signed: dict[str, Clause]) -> Iterator[str]:
    rows = [
        (
            rule.trigger,
            "every stage that is neither closed nor a gate"
            if rule.sources == EVERY_OPEN_STAGE
            else ", ".join(rule.sources),
            rule.target or ("the stage that was left" if rule.kind is TransitionKind.REOPEN else "the same stage"),
            rule.kind.value,
            "" if rule.guard is None else rule.guard.sentence(),
            _who(rule),
            ", ".join(rule.reasons) or "any listed reason" if rule.needs_reason else "",
            _teams(signed[f"lifecycle.transitions.{place}"]),
        )
        for place, rule in enumerate(playbook.lifecycle.transitions)
    ]
    yield from _table(("move", "from", "to", "kind", "if", "who", "reason", "signed"), rows)


def _who(rule: Transition) -> str:
    who = " or ".join(rule.roles) or "anyone"
    if rule.automatic:
        return f"automatic, or {who}"
    if rule.on is None:
        return who
    return f"on a fact of kind {rule.on}{', which may come early' if rule.pending else ''}, or {who}"


def _reasons(playbook: Playbook) -> Iterator[str]:
    for reason in playbook.lifecycle.reasons:
        note = " (needs a note)" if reason.needs_note else ""
        yield f"- {_plain(reason.id)}{note}" + (f": {_plain(reason.meaning)}" if reason.meaning else "")


def _score(policy: Policy) -> Iterator[str]:
    reads = ", ".join(dict.fromkeys(f"{topic} {name}" if name else topic for topic, name in policy.inputs()))
    meaning = f": {_plain(policy.meaning)}" if policy.meaning else ""
    yield f"- **{_plain(policy.name)}**, version {_plain(policy.version)}{meaning}" + (
        f"; reads {_plain(reads)}" if reads else ""
    )


def _sign_offs(signed: Iterable[Clause]) -> Iterator[str]:
    rows = [
        (clause.name, one.team, str(one.on), one.version, one.by or "", "stale" if one in clause.stale() else "")
        for clause in signed
        for one in clause.rule.signed
    ]
    if rows:
        yield from _table(("rule", "team", "on", "version", "by", ""), rows)


def _signatures(clause: Clause) -> str:
    return f"signed by {_teams(clause)}" if clause.rule.signed else "not signed yet"


def _teams(clause: Clause) -> str:
    stale = clause.stale()
    return ", ".join(f"{_plain(one.team)}{' (stale)' if one in stale else ''}" for one in clause.rule.signed)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(_plain(cell).replace('|', '/') for cell in row)} |"  # a bar would end the cell


def _plain(text: str) -> str:
    """Return a text on one line, with Markdown and HTML escaped."""
    # The text comes from a file and may be shown as a page: it must not add links, images or scripts to the agreement.
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return "".join(f"\\{letter}" if letter in "\\`*[]<>#" else letter for letter in line)
