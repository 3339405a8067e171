"""`python -m services.console.main COMMAND`: wires the operators' commands and the process for staff together."""

import typer
import uvloop

from services.console import roles
from services.console.commands import dead_letters, journeys, partner_keys, queues, restoring, tokens, topics
from services.console.settings import ServeSettings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Humqadam for its operators.",
)
app.command()(journeys.journey)
app.command()(queues.lag)
app.command()(queues.outbox)
app.command()(queues.owners)
app.add_typer(dead_letters.app, name="dead-letters")
app.command()(dead_letters.rebuild)
app.add_typer(partner_keys.app, name="partner-keys")
app.command()(restoring.restored)
app.command()(topics.topics)
app.command()(topics.access)
app.command()(tokens.token)
app.command()(topics.docs)


@app.command()
def migrate() -> None:
    """Brings the console's own schema up to date."""
    uvloop.run(roles.prepare(ServeSettings()))


@app.command()
def serve() -> None:
    """Serves the worklist and journeys to staff, until it is told to stop."""
    raise typer.Exit(uvloop.run(roles.run(ServeSettings())))


if __name__ == "__main__":
    app()
