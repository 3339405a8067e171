"""Who can ask for anything over HTTP: the roles of the authorization matrix, as tokens name them."""

ROLES: tuple[str, ...] = (
    "person",
    "participant",
    "guardian",
    "therapist",
    "supervisor",
    "facilitator",
    "coordinator",
    "duty_clinician",
    "clinic_desk",
    "operator",
    "partner",
    "auditor",
)
