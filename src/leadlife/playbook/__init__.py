"""The playbook: the agreement between marketing and sales as one immutable value that both teams sign."""

from leadlife.playbook.fields import FieldSpec, FieldType
from leadlife.playbook.playbook import Playbook
from leadlife.playbook.signing import sign

__all__ = ["FieldSpec", "FieldType", "Playbook", "sign"]
