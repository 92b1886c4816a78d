"""The entry point for hypothesis: it registers strategies for our types, so that ``st.from_type(Lead)`` works."""

from __future__ import annotations

from typing import Any


def register() -> None:
    """Register the strategies. Each is created when it is first used."""
    from hypothesis import strategies as st  # noqa: PLC0415 - hypothesis itself calls this while it is imported

    from leadlife.criteria import Criterion  # noqa: PLC0415 - as above
    from leadlife.leads import Activity, Lead  # noqa: PLC0415 - as above
    from leadlife.playbook.playbook import Playbook  # noqa: PLC0415 - as above
    from leadlife.scoring.policy import Policy  # noqa: PLC0415 - as above

    st.register_type_strategy(Lead, lambda _kind: _strategy("leads"))
    st.register_type_strategy(Activity, lambda _kind: _strategy("activities").filter(bool).map(lambda some: some[0]))
    st.register_type_strategy(Criterion, lambda _kind: _strategy("questions"))
    st.register_type_strategy(Policy, lambda _kind: _strategy("policies"))
    st.register_type_strategy(Playbook, lambda _kind: _strategy("playbooks"))


def _strategy(name: str) -> Any:
    from leadlife import testing  # noqa: PLC0415 - it imports hypothesis, which may not be ready before

    return getattr(testing, name)()
