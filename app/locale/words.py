"""Words that stand in data and in code as names, and that pages show (`said`)."""

from app.locale import N_

SIDES = (N_("lead bank"), N_("partner bank"), N_("auditor"), N_("regulator"))
ROLES = (N_("viewer"), N_("treasury"), N_("officer"), N_("approver"), N_("administrator"))
