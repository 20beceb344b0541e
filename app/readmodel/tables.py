"""The tables of the read model, from all its subjects.

Only the indexer writes them, from final blocks, in the same transaction as its `cursor`; what
grants open (`granted_names`) it adds afterwards. All of them but `incidents` can be rebuilt from
the chain alone, equal to the last byte, so nothing in them may depend on when or in how many steps
the chain was read.

Units: amounts in minor units, days as `date.toordinal()`, times (`*_at`, `*_time`) as whole seconds
since 1970 UTC by the block's clock.
"""

from app.readmodel.accounts.tables import (
    accounts,
    alerts,
    balance_points,
    day_counts,
    day_totals,
    holds,
)
from app.readmodel.chain import blocks, cursor
from app.readmodel.chain import incidents as incidents
from app.readmodel.consortium.tables import (
    consortium_log,
    member_keys,
    members,
    proposals,
    validators,
    votes,
)
from app.readmodel.days.tables import day_closes
from app.readmodel.disclosures.tables import (
    audit_anchors,
    detail_grants,
    granted_names,
    granted_openings,
    sealed_postings,
)
from app.readmodel.facilities.tables import (
    facilities,
    facility_acceptances,
    facility_changes,
    facility_observers,
    facility_partners,
    facility_pauses,
    rule_versions,
    share_versions,
)
from app.readmodel.pairs.tables import pairs, postings, rejections, resolutions
from app.readmodel.reasons.tables import reasons

CHAIN_TABLES = (
    cursor,
    blocks,
    members,
    facilities,
    facility_partners,
    facility_observers,
    share_versions,
    rule_versions,
    facility_changes,
    facility_acceptances,
    facility_pauses,
    postings,
    pairs,
    rejections,
    accounts,
    day_totals,
    day_counts,
    balance_points,
    proposals,
    votes,
    member_keys,
    validators,
    consortium_log,
    holds,
    alerts,
    day_closes,
    resolutions,
    reasons,
    detail_grants,
    sealed_postings,
    granted_openings,
    granted_names,
    audit_anchors,
)
"""Tables that the chain alone determines: wiped by a rebuild, covered by the digest."""
