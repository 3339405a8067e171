"""Who asks, and what they may see."""

from services.console.domain.tasks import QUEUES, Human
from services.console.repository.tasks import Sight
from shared.web import Principal, Problem

# Of a clinic desk whose token names no organisation nothing is theirs.
NOBODYS = ""


def sight_of(caller: Principal) -> Sight:
    """The queues of the caller's role; a clinic desk sees those of its organisation's sites, or of its own."""
    queues = QUEUES.get(caller.role, ())
    if caller.role != "clinic_desk":
        return Sight(queues)
    return Sight(queues, caller.organisation or NOBODYS, caller.site_id)


def human(caller: Principal) -> Human:
    """Raises Problem 403 for a token without a name: what is done is kept with one."""
    if not caller.name:
        raise Problem(403, "name_needed", "Only a named human may do this.")
    return Human(caller.subject, caller.name)
