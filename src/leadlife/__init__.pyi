from leadlife.activities import (
    Activity as Activity,
)
from leadlife.activities import (
    ActivityKind as ActivityKind,
)
from leadlife.criteria import (
    Opaque as Opaque,
)
from leadlife.criteria import (
    View as View,
)
from leadlife.criteria import (
    count as count,
)
from leadlife.criteria import (
    evidence as evidence,
)
from leadlife.criteria import (
    field as field,
)
from leadlife.criteria import (
    identified as identified,
)
from leadlife.criteria import (
    role as role,
)
from leadlife.criteria import (
    sold as sold,
)
from leadlife.errors import (
    InvalidDefinition as InvalidDefinition,
)
from leadlife.errors import (
    LeadlifeError as LeadlifeError,
)
from leadlife.errors import (
    Malformed as Malformed,
)
from leadlife.errors import (
    MoveRefused as MoveRefused,
)
from leadlife.errors import (
    Refusal as Refusal,
)
from leadlife.facts import (
    ActivityRecorded as ActivityRecorded,
)
from leadlife.facts import (
    AttributeChanged as AttributeChanged,
)
from leadlife.facts import (
    ConsentChanged as ConsentChanged,
)
from leadlife.facts import (
    CostIncurred as CostIncurred,
)
from leadlife.facts import (
    Evidence as Evidence,
)
from leadlife.facts import (
    EvidenceGiven as EvidenceGiven,
)
from leadlife.facts import (
    Fact as Fact,
)
from leadlife.facts import (
    Identified as Identified,
)
from leadlife.facts import (
    Moved as Moved,
)
from leadlife.facts import (
    PlaybookAdopted as PlaybookAdopted,
)
from leadlife.facts import (
    Qualification as Qualification,
)
from leadlife.facts import (
    QualificationGranted as QualificationGranted,
)
from leadlife.facts import (
    QualificationWithdrawn as QualificationWithdrawn,
)
from leadlife.facts import (
    Referred as Referred,
)
from leadlife.facts import (
    Retracted as Retracted,
)
from leadlife.facts import (
    ScoreReported as ScoreReported,
)
from leadlife.facts import (
    Sold as Sold,
)
from leadlife.facts import (
    StageReached as StageReached,
)
from leadlife.facts import (
    Started as Started,
)
from leadlife.facts import (
    load_fact as load_fact,
)
from leadlife.journey import (
    Journey as Journey,
)
from leadlife.journey import (
    Option as Option,
)
from leadlife.journey import (
    Snapshot as Snapshot,
)
from leadlife.leads import (
    Actor as Actor,
)
from leadlife.leads import (
    Consent as Consent,
)
from leadlife.leads import (
    Lead as Lead,
)
from leadlife.leads import (
    LeadType as LeadType,
)
from leadlife.leads import (
    Source as Source,
)
from leadlife.lifecycle import (
    Lifecycle as Lifecycle,
)
from leadlife.money import (
    Money as Money,
)
from leadlife.playbook import (
    FieldSpec as FieldSpec,
)
from leadlife.playbook import (
    FieldType as FieldType,
)
from leadlife.playbook import (
    Playbook as Playbook,
)
from leadlife.stages import (
    Entry as Entry,
)
from leadlife.stages import (
    Holds as Holds,
)
from leadlife.stages import (
    Kind as Kind,
)
from leadlife.stages import (
    Limit as Limit,
)
from leadlife.stages import (
    Reason as Reason,
)
from leadlife.stages import (
    Route as Route,
)
from leadlife.stages import (
    Stage as Stage,
)
from leadlife.stages import (
    Status as Status,
)
from leadlife.stages import (
    Transition as Transition,
)
from leadlife.timing import (
    Calendar as Calendar,
)
from leadlife.timing import (
    Elapsed as Elapsed,
)
from leadlife.timing import (
    days as days,
)
from leadlife.timing import (
    elapsed as elapsed,
)
from leadlife.timing import (
    months as months,
)
from leadlife.timing import (
    weeks as weeks,
)
from leadlife.timing import (
    years as years,
)

__version__: str
