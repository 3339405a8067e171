"""Who asks, and what they may see."""

from services.console.domain.tasks import QUEUES, Human
from services.console.repository.tasks import Sight
from shared.web import Principal, Problem

# Of a clinic desk whose token names no organisation nothing is theirs.
NOBODYS = ""


def sight_of(caller: Principal) -> Sight:
    """The queues of the caller's role; a clinic desk sees those of its own sites."""
    organisation = (caller.organisation or NOBODYS) if caller.role == "clinic_desk" else None
    return Sight(QUEUES.get(caller.role, ()), organisation)


def human(caller: Principal) -> Human:
    """Raises Problem 403 for a token without a name: what is done is kept with one."""
    if not caller.name:
        raise Problem(403, "name_needed", "Only a named human may do this.")
    return Human(caller.subject, caller.name)
