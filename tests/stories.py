"""What the stories told in tests share: when they begin, and who acts."""

from datetime import UTC, datetime, timedelta

from leadlife import Actor

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
SALES = Actor(id="sam", roles=("sales",))


def at(days):
    """Return the instant so many days after a story begins."""
    return T0 + days * DAY
