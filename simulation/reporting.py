"""The table a newcomer sees after a run."""

from collections.abc import Mapping
from pathlib import Path

from simulation.figures import Figures
from simulation.history import Findings


def table(figures: Figures, findings: Findings, out: Path, *, kept: bool) -> str:
    """The figures of a run in words, then whether every promise was kept."""
    f = figures
    lines = [
        "",
        _line("asked for help", f.people, f"{f.accepted} accepted, {f.alarms} raised an alarm"),
        *(
            [_line("  in files", f.accepted_in_bulk, "handed over many at a time")]
            if f.accepted_in_bulk
            else []
        ),
        _line(
            "booked",
            f.booked_online + f.booked_in_person,
            f"{f.booked_online} online, {f.booked_in_person} in person",
        ),
        *_hours(f),
        _line("on the waiting list", f.waitlisted, _reasons(f.waitlist_reasons)),
        _line("alarms closed", f.alarms_closed, f"by a named clinician, of {f.alarms}"),
        _line("tasks done", f.tasks_done, f"by a named coordinator, of {f.tasks}"),
        _line("wait for a human", f.held_for_human, "a guardian, a partner or a clinician speaks first"),
        _line("guardians agreed", f.agreed, f"{f.refused} refused"),
        *_choices(f),
        _line("messages planned", f.messages_planned, f"{f.messages_delivered} delivered, {f.called} called"),
        _line("  not to be sent", f.messages_skipped, _reasons(f.messages_skipped_reasons)),
        _line("  not yet", f.messages_waiting, _reasons(f.messages_waiting_reasons)),
        _line(
            "seen by partners",
            f.partner_bookings_seen,
            f"of {f.partner_bookings_expected} of their own hours",
        ),
        _line("booked and told", f.journeys, f"in {f.seconds} s: {f.journeys_per_second} journeys a second"),
        _line("request to message", f"{f.p50_s} s", f"half of them; 99 of 100 within {f.p99_s} s"),
        "",
        _verdict(figures, findings, kept=kept),
        f"  all figures: {out}",
    ]
    return "\n".join(lines)


def _choices(f: Figures) -> list[str]:
    became = f"{f.hours_taken} took it, {f.hours_let_go} were let go"
    return [
        _line("chose with whom to speak", f.chosen, f"{f.offered} still may"),
        _line("  with an hour kept", f.hours_kept, became),
    ]


def _hours(f: Figures) -> list[str]:
    """What became of hours."""
    return [
        _line("moved their hour", f.moved, f"{f.given_back} gave it back"),
        _line("meet in the other way", f.switched, "in person instead of online, or online instead"),
        _line("came to their hour", f.came, f"{f.missed} did not come, and are asked after"),
        _line("discharged", f.discharged, "by their therapist, with an hour ahead or after the last one"),
    ]


def _line(name: str, number: int | str, detail: str) -> str:
    return f"  {name:<22}{number!s:>9}  {detail}"


def _reasons(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {number}" for reason, number in reasons.items())


def _verdict(figures: Figures, findings: Findings, *, kept: bool) -> str:
    if kept:
        return "  Nothing lost, nothing twice, nobody booked twice, everybody told: every zero is zero."
    left = {
        "events skipped": figures.events_skipped,
        "dead letters": figures.dead_letters,
        "left in outboxes": figures.outbox_left,
        "parked": figures.parked,
        "waiting events": figures.waiting,
        "failed messages": figures.messages_failed,
        "messages of unknown fate": figures.messages_unknown,
    }
    told = ", ".join(f"{number} {name}" for name, number in left.items() if number)
    return f"  NOT every promise was kept: {told or 'nothing left over'}. {findings}"
