"""Mappings: the meaning of the columns in the tables of an export. A mapping is data, never code."""

import json
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from leadlife._base.model import LAX, Definition, MappingOf, Name, Names, Text, TupleOf, default
from leadlife._frozen import FrozenDict
from leadlife.criteria.view import Scalar
from leadlife.errors import Fault, InvalidDefinition, did_you_mean
from leadlife.io.dates import check_format
from leadlife.io.playbook_files import Document, located, parse_toml, read_document
from leadlife.leads import ActivityKind, LeadType
from leadlife.lifecycle.lifecycle import Lifecycle
from leadlife.playbook.fields import FieldSpec
from leadlife.playbook.playbook import Playbook
from leadlife.presets import PRESETS, preset
from leadlife.timing import Zone

Column = Annotated[str, StringConstraints(min_length=1, max_length=200)]
FileName = Annotated[str, StringConstraints(pattern=r"^[^/\\\x00:]+$", max_length=200)]
Format = Annotated[str, Field(max_length=60), AfterValidator(check_format)]


class DateColumn(Definition):
    """A column of dates, with its format and zone; without a format, the whole column must fit exactly one."""

    column: Column
    format: Format | None = None
    """A ``strptime`` format, or ``iso``."""
    zone: Zone | None = None
    """The zone of its wall times; by default the zone of the mapping."""
    midnights: Zone | None = None
    """The zone whose midnights its instants are, where they stand for days: the day counts, in the zone above."""


class EntryColumn(DateColumn):
    """The column of the dates on which leads entered, with the stage of entry; by default the first stage."""

    stage: Name | None = None


class StageColumn(DateColumn):
    """The column of the dates on which a stage was reached."""

    stage: Name
    infer_gaps: bool = False
    """Whether the stages in between may be inferred, along the success path."""


class ActivityColumn(DateColumn):
    """The column of the dates of an activity."""

    kind: Name


class SaleColumn(DateColumn):
    """The column of the dates of sales, with the columns of amount and product."""

    amount: Column | None = None
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None
    decimal: Literal[".", ","] | None = None
    """What stands before the decimals; the other is between thousands. An amount that may be either needs it."""
    product: Column | None = None


class SourceColumns(Definition):
    """The columns of a lead's source."""

    channel: Column | None = None
    campaign: Column | None = None


class MappedTable(Definition):
    """One file, with one row for each lead or deal."""

    file: FileName
    lead: Column
    """The column with the lead's id."""
    key: Column | None = None
    """The column that names a row, so that the row is known when it is read again; by default its line."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    blanks: TupleOf[Scalar] = default(())
    """Values that mean "not answered" in this table, besides empty cells and the blanks of the mapping."""
    entry: EntryColumn | None = None
    identified: DateColumn | None = None
    stages: TupleOf[StageColumn] = default(())
    activities: TupleOf[ActivityColumn] = default(())
    sales: TupleOf[SaleColumn] = default(())
    source: SourceColumns | None = None
    attributes: MappingOf[Name, Column] = Field(default_factory=FrozenDict[str, str])
    """The fields of the lead, each with its column."""

    def dates(self) -> tuple[DateColumn, ...]:
        """Return every column of dates, entry first."""
        single = (self.entry, self.identified)
        return (*(one for one in single if one is not None), *self.stages, *self.activities, *self.sales)

    def columns(self) -> tuple[str, ...]:
        """Return every column that the table names."""
        source = self.source or SourceColumns()
        named = [self.lead, self.key, *(one.column for one in self.dates()), source.channel, source.campaign]
        named += [text for sale in self.sales for text in (sale.amount, sale.product)]
        return tuple(dict.fromkeys(text for text in (*named, *self.attributes.values()) if text is not None))


class ExportMapping(Definition):
    """A mapping from tables to facts: a preset or an inline lifecycle, a zone, and the meaning of the columns.

    Raises:
        InvalidDefinition: The mapping contradicts itself or its playbook. All faults are listed together.
    """

    id: Name
    zone: Zone
    """The zone of the playbook, and of each column that does not state its own."""
    preset: Name | None = None
    lifecycle: Lifecycle | None = None
    evidence: MappingOf[Name, Text] = Field(default_factory=FrozenDict[str, str])
    """The evidence that an inline lifecycle uses."""
    tables: Annotated[TupleOf[MappedTable], Field(min_length=1, max_length=50)]
    lead_types: MappingOf[Text, Annotated[LeadType, LAX]] = Field(default_factory=FrozenDict[str, LeadType])
    """The lead types of channels, where they differ from the usual one."""
    blanks: TupleOf[Scalar] = default(())
    """Values that mean "not answered" in every table; texts are compared without case."""
    personal: Names = default(())
    """Attributes that hold personal data."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        faults = self._faults()
        if not faults:  # the playbook cannot be built from a mapping with faults
            faults = self._name_faults()
        if faults:
            raise InvalidDefinition("the mapping has faults", faults=faults)
        return self

    def _faults(self) -> list[Fault]:
        faults: list[Fault] = []
        if (self.preset is None) == (self.lifecycle is None):
            faults.append(Fault("", "a mapping needs a preset or a lifecycle, exactly one of the two"))
        if self.preset is not None and self.preset not in PRESETS:
            faults.append(Fault("preset", f"there is no preset {self.preset!r}", did_you_mean(self.preset, PRESETS)))
        if sum(table.entry is not None for table in self.tables) != 1:
            faults.append(Fault("tables", "exactly one table must have an entry column"))
        files = [table.file for table in self.tables]
        if len(set(files)) < len(files):
            faults.append(Fault("tables", "a file is named twice"))
        for place, table in enumerate(self.tables):
            for number, sale in enumerate(table.sales):
                if (sale.amount is None) != (sale.currency is None):
                    path = f"tables.{place}.sales.{number}"
                    faults.append(Fault(path, "amount and currency must be given together"))
        attributes = [name for table in self.tables for name in table.attributes]
        faults += [Fault("tables", f"attribute {name!r} is mapped twice") for name in _twice(attributes)]
        faults += [
            Fault("personal", f"{name!r} is not a mapped attribute", did_you_mean(name, attributes))
            for name in self.personal
            if name not in attributes
        ]
        return faults

    def _name_faults(self) -> list[Fault]:
        faults: list[Fault] = []
        playbook = self.playbook()
        stages, kinds = playbook.lifecycle.by_id, playbook.activity_kinds
        for place, table in enumerate(self.tables):
            named = [(f"tables.{place}.stages.{n}", one.stage) for n, one in enumerate(table.stages)]
            if table.entry is not None and table.entry.stage is not None:
                named.append((f"tables.{place}.entry", table.entry.stage))
                entries = {entry.stage for entry in playbook.lifecycle.entries_for(referral=False)}
                if table.entry.stage in stages and table.entry.stage not in entries:
                    hint = f"entry stages: {', '.join(sorted(entries))}"
                    faults.append(
                        Fault(f"tables.{place}.entry", f"stage {table.entry.stage!r} is not an entry stage", hint)
                    )
            faults += [
                Fault(path, f"there is no stage {name!r}", did_you_mean(name, stages))
                for path, name in named
                if name not in stages
            ]
            faults += [
                Fault(
                    f"tables.{place}.activities.{n}",
                    f"there is no activity {one.kind!r}",
                    did_you_mean(one.kind, kinds),
                )
                for n, one in enumerate(table.activities)
                if one.kind not in kinds
            ]
        return faults

    def playbook(self) -> Playbook:
        """Return the playbook that the rows are replayed through; its fields include the mapped attributes."""
        names = [name for table in self.tables for name in table.attributes]
        fields = {name: FieldSpec(personal=name in self.personal) for name in names}
        if self.lifecycle is None:
            base = preset(self.preset or "")
            return base.replace(zone=self.zone, fields={**base.fields, **fields})
        kinds = {one.kind: ActivityKind() for table in self.tables for one in table.activities}
        return Playbook(
            id=self.id,
            zone=self.zone,
            lifecycle=self.lifecycle,
            fields=fields,
            activity_kinds=kinds,
            evidence=self.evidence,
        )


def _twice(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def load_mapping(source: Path | str) -> ExportMapping:
    """Return the mapping in a file: JSON if the name ends with ``.json``, else TOML.

    Raises:
        Unreadable: The file cannot be read, is too large, is nested too deep, or has the wrong format.
        InvalidDefinition: The file is not a valid mapping. Each fault has its path.
    """
    return as_mapping(read_document(source))


def parse_mapping(text: str, *, name: str = "the mapping") -> ExportMapping:
    """Return the mapping in TOML text; errors as in :func:`load_mapping`."""
    return as_mapping(parse_toml(text, name=name))


def as_mapping(document: Document) -> ExportMapping:
    """Return the mapping that a document describes; errors as in :func:`load_mapping`."""
    try:
        return ExportMapping.model_validate_json(json.dumps(document.data))
    except InvalidDefinition as error:
        raise InvalidDefinition(f"{document.name!r} has faults:", faults=located(document, error)) from None
