"""Sign-offs: which team agreed to a rule, on which day, and under which version of the playbook."""

from __future__ import annotations

import json
from datetime import date
from hashlib import blake2b
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field

from leadlife._base.model import Definition, Id, Name, TupleOf, default
from leadlife.errors import Malformed, article


def _day(value: object) -> object:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


class SignOff(Definition):
    """A team's word that it agrees to a rule as it stood on that day."""

    team: Name
    on: Annotated[date, BeforeValidator(_day)]
    version: Name
    """The version of the playbook that was signed."""
    digest: Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
    """A hash of what was signed. Once the rule has another content, the sign-off is stale."""
    by: Id | None = None
    """Who signed for the team."""


class Signable(Definition):
    """A rule that teams sign."""

    signed: TupleOf[SignOff] = default(())
    """Who agreed to it; of several sign-offs of one team the last counts."""

    def signed_by(self, sign_off: SignOff) -> Self:
        """Return the rule with a sign-off, which replaces an earlier one of that team."""
        if not isinstance(sign_off, SignOff):
            raise Malformed(
                f"{article(type(sign_off).__name__)} is not a sign-off",
                hint="pass SignOff(team=..., version=..., at=...)",
            )
        return self.replace(signed=(*(one for one in self.signed if one.team != sign_off.team), sign_off))


def content_digest(*contents: Any) -> str:
    """Return a hash of plain values, in which the order of keys means nothing."""
    return blake2b(json.dumps(contents, sort_keys=True).encode(), digest_size=8).hexdigest()
