"""`python -m services.console.main COMMAND`: wires the operators' commands together."""

import typer

from services.console.commands import dead_letters, journeys, partner_keys, queues, tokens, topics

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
app.command()(topics.topics)
app.command()(tokens.token)
app.command()(topics.docs)

if __name__ == "__main__":
    app()
