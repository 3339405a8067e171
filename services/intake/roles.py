"""What each role of intake serves: its routes, and what they are given. `main` puts a process around it."""

import os
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import orjson
from fastapi import FastAPI

from services.intake.api import (
    alarm_actions,
    alarms,
    cases,
    closing,
    contacts,
    crisis,
    earlier,
    events,
    help,
    invitations,
    joining,
    keys,
    pauses,
    reaching,
    reference,
    rota,
    sessions,
    wishes,
    withdrawals,
)
from services.intake.api.accepting import CaseCounter
from services.intake.api.backlog import Backlog
from services.intake.api.bulk import BODIES, PATH, BulkCounter, BulkTurns, bulk_routes
from services.intake.api.cards import CardDeck
from services.intake.api.desk import Room, serve_desk
from services.intake.api.desk_pages import DeskPages
from services.intake.api.duty import DutyDesk, open_desk
from services.intake.api.shedding import Reads
from services.intake.api.together import Together, read_together, together
from services.intake.api.watching import CaseWatch, watch_cases
from services.intake.domain.codes import pin
from services.intake.domain.policy import Policy
from services.intake.gateways.crisis import CrisisProcess
from services.intake.gateways.vault import Vault
from services.intake.handlers import acceptance, bulk
from services.intake.handlers import rota as shifts
from services.intake.handlers.help import call_for_help
from services.intake.handlers.invitations import answer_invitations
from services.intake.handlers.keys import answer_questions
from services.intake.handlers.lookups import look_up_by_appointment, look_up_cases, look_up_own_views
from services.intake.handlers.sessions import open_sessions
from services.intake.handlers.submission import Desk
from services.intake.pages import Behind, open_frontend, open_renderer, serve_pages
from services.intake.pages.rendering import Renderer
from services.intake.repository import standings
from services.intake.repository.standings import CaseView
from services.intake.repository.taking_part import OwnView
from services.intake.settings import Settings
from shared import web
from shared.messaging import Database
from shared.privacy import Sealer, derive, read_key
from shared.telemetry import force_sampled, new_traceparent


def serve_people(
    app: FastAPI,
    settings: Settings,
    policy: Policy,
    database: Database,
    backlog: Backlog,
    crisis_process: CrisisProcess | None = None,
) -> CaseWatch:
    """The routes of the api role, and the loop that looks for whoever watches. `crisis_process` takes in whoever may be in danger."""
    cards = CardDeck(policy.lines, policy.other_help)
    counter = _case_counter(settings, policy, cards, database, backlog.let_post_in, crisis_process)
    app.state.tokens = web.TokenVerifier(settings.token_public_key_file)
    asking = cases.asking_routes(counter)
    app.include_router(asking)
    web.serve_directly(app, asking, "POST", "/v1/cases")
    app.include_router(bulk_routes(_bulk_counter(settings, counter, database, backlog)))
    web.read_other_bodies(app, "POST", PATH, BODIES)
    look, look_own, watch = _serve_looking(app, counter, database, backlog)
    knocking = _session_counter(settings, counter)
    app.include_router(sessions.session_routes(knocking))
    answer = together(database, partial(answer_invitations, pin_key=counter.pin_key))
    app.include_router(invitations.invitation_routes(invitations.InvitationDesk(policy, answer)))
    wishing, leaving = (
        wishes.open_wish_desk(policy, cards, database),
        withdrawals.open_withdrawals(cards, database),
    )
    app.include_router(wishes.wish_routes(wishing))
    pausing = pauses.open_pause_desk(policy, cards, database)
    app.include_router(pauses.pause_routes(pausing))
    adding = joining.open_joining_desk(_desk(settings, policy), database, counter.lookup_key)
    app.include_router(joining.joining_routes(adding))
    reached = _serve_contacts(app, settings, database)
    app.include_router(closing.closing_routes(closing.open_closing_desk(cards, database)))
    app.include_router(reference.reference_routes(policy))
    app.include_router(crisis.crisis_routes(cards))
    app.include_router(withdrawals.withdrawal_routes(leaving))
    behind = Behind(counter, knocking, look, look_own, answer, wishing, reached, leaving, pausing)
    serve_pages(app, open_frontend(page_renderer(settings, policy), behind))
    return watch


def _serve_contacts(app: FastAPI, settings: Settings, database: Database) -> contacts.ContactDesk:
    """How people are reached, changed or confirmed."""
    desk = contacts.open_contact_desk(database, Sealer(read_key(settings.deployment_key_file)))
    app.include_router(contacts.contact_routes(desk))
    return desk


def _serve_looking(
    app: FastAPI, counter: CaseCounter, database: Database, backlog: Backlog
) -> tuple[Reads[CaseView], Reads[OwnView], CaseWatch]:
    """How cases stand, looked at once or watched."""

    def posts_waiting() -> int:
        return counter.accept.waiting

    look = Reads(read_together(database, look_up_cases, at_once=1), posts_waiting, backlog.admit_read)
    look_own = Reads(read_together(database, look_up_own_views, at_once=1), posts_waiting, backlog.admit_read)
    watch = watch_cases(partial(_look_at_all, database))
    app.include_router(cases.standing_routes(counter.cards, look, look_own, watch))
    of_appointment = read_together(database, look_up_by_appointment)
    app.include_router(cases.of_appointment_routes(counter.cards, of_appointment))
    app.include_router(events.event_routes(counter.cards, look, watch))
    return look, look_own, watch


def serve_crisis(app: FastAPI, settings: Settings, policy: Policy, database: Database) -> None:
    """The routes of the crisis role; withdrawals are the same router as in the api."""
    cards = CardDeck(policy.lines, policy.other_help)
    app.state.tokens = web.TokenVerifier(settings.token_public_key_file)
    app.include_router(crisis.crisis_routes(cards))
    counter = _case_counter(settings, policy, cards, database, _never_full)
    app.include_router(cases.crisis_asking_routes(counter))
    app.include_router(help.help_routes(_help_counter(settings, counter, database)))
    app.include_router(withdrawals.withdrawal_routes(withdrawals.open_withdrawals(cards, database)))
    desk = _duty_desk(settings, policy, database)
    app.include_router(alarms.alarm_routes(desk))
    app.include_router(alarm_actions.alarm_action_routes(desk))
    app.include_router(reaching.reaching_routes(desk))
    app.include_router(rota.rota_routes(_rota_desk(database, desk.note_key)))
    form_key = derive(read_key(settings.deployment_key_file), "desk forms")
    serve_desk(app, Room(desk, DeskPages(), form_key, settings.process.environment == "production"))


def serve_keys(app: FastAPI, settings: Settings, database: Database) -> None:
    """The vault's route; `database` is the vault's own."""
    service_tokens = orjson.loads(settings.service_token_file.read_bytes())
    sealer = Sealer(read_key(settings.deployment_key_file))
    app.include_router(
        keys.key_routes(keys.Vault(sealer, service_tokens, together(database, answer_questions)))
    )


def page_renderer(settings: Settings, policy: Policy) -> Renderer:
    """What the pages look like, which needs no database."""
    return open_renderer(policy, settings.quick_exit_url, settings.matching_url)


async def _look_at_all(database: Database, codes: Sequence[str]) -> Mapping[str, CaseView]:
    async with database.statements(ask_time=False) as tx:
        return await standings.views(tx, codes)


async def _never_full() -> None:
    """A crisis does not wait for what has gathered."""


def _case_counter(
    settings: Settings,
    policy: Policy,
    cards: CardDeck,
    database: Database,
    let_in: Callable[[], Awaitable[None]],
    crisis_process: CrisisProcess | None = None,
) -> CaseCounter:
    deployment = read_key(settings.deployment_key_file)
    desk, pin_key = _desk(settings, policy), derive(deployment, "pin")
    work = partial(acceptance.accept_posts, desk=desk)
    begin = partial(database.transaction, ask_time=False)  # claiming their keys tells it
    return CaseCounter(
        policy,
        cards,
        pin_key=pin_key,
        lookup_key=derive(deployment, "lookup"),
        let_in=let_in,
        accept=Together(begin, work, at_once=1),
        accept_alarm=Together(begin, work, at_once=1),
        proof=earlier.Proof(
            knock=together(database, partial(open_sessions, pin_key=pin_key)),
            look=read_together(database, look_up_cases),
        ),
        crisis=crisis_process,
    )


def _bulk_counter(
    settings: Settings, counter: CaseCounter, database: Database, backlog: Backlog
) -> BulkCounter:
    ratio, desk = settings.process.trace_sample_ratio, _desk(settings, counter.policy)
    return BulkCounter(
        counter.policy,
        pin_key=counter.pin_key,
        lookup_key=counter.lookup_key,
        let_in=backlog.let_file_in,
        turns=BulkTurns(database, partial(bulk.accept_lines, desk=desk), lambda: counter.accept.waiting),
        knock=counter.proof.knock,
        new_trace=lambda: new_traceparent(random.random() < ratio),
    )


def _desk(settings: Settings, policy: Policy) -> Desk:
    deployment = read_key(settings.deployment_key_file)
    pin_of = partial(pin, derive(deployment, "pin"))
    return Desk(policy, Sealer(deployment), os.urandom, force_sampled, pin_of)


def _help_counter(settings: Settings, counter: CaseCounter, database: Database) -> help.HelpCounter:
    return help.HelpCounter(
        counter.policy,
        counter.cards,
        counter.pin_key,
        counter.lookup_key,
        call=together(database, partial(call_for_help, desk=_desk(settings, counter.policy)), apart=True),
    )


def _duty_desk(settings: Settings, policy: Policy, database: Database) -> DutyDesk:
    # Without a token of its own the vault refuses; the desk goes on, and says that it cannot be opened.
    token = orjson.loads(settings.service_token_file.read_bytes()).get("intake", "")
    note_key = derive(read_key(settings.deployment_key_file), "lookup")
    return open_desk(database, policy, Vault(settings.vault_url, token), note_key)


def _rota_desk(database: Database, hash_key: bytes) -> rota.RotaDesk:
    return rota.RotaDesk(
        enter=together(database, shifts.enter_shifts),
        cancel=together(database, shifts.cancel_shifts),
        look=read_together(database, shifts.look_at_rota),
        hash_key=hash_key,
    )


def _session_counter(settings: Settings, counter: CaseCounter) -> sessions.SessionCounter:
    return sessions.SessionCounter(
        web.TokenSigner(settings.token_key_file),
        settings.token_public_key_file.read_bytes(),
        counter.proof.knock,
    )
