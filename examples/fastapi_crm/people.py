"""Who may use the CRM, and in which roles. A real one asks its own users and sessions here."""

from leadlife import Actor

PEOPLE = {
    "mia": Actor(id="mia", roles=["marketing"]),
    "sam": Actor(id="sam", roles=["sales"]),
    "dpo": Actor(id="dpo", roles=["privacy"]),
}
