"""`topics`, `access` and `docs`: what must be there before the first event, who may touch it, and the page that tells of it."""

import typer

from services.console.commands.rendering import AsJson, print_json, print_table, run, stop
from services.console.gateways.broker import WrongTopic, make_topics
from services.console.settings import read_settings
from shared.contracts import publish
from shared.contracts.grants import grants
from shared.contracts.topics import TOPICS, partner_topic


def topics(as_json: AsJson = False) -> None:
    """Creates every topic that is missing and checks those that are there."""
    settings = read_settings()
    table = (*TOPICS, *(partner_topic(name) for name in settings.partners))
    try:
        created = set(run(make_topics(settings, table, settings.kafka_replication)))
    except WrongTopic as wrong:
        stop(str(wrong))
    rows = [
        {
            "topic": t.name,
            "partitions": t.partitions,
            "lane": t.lane,
            "was": "created" if t.name in created else "there",
        }
        for t in table
    ]
    if as_json:
        print_json(rows)
    else:
        print_table("Topics", rows, empty="")


def access(as_json: AsJson = False) -> None:
    """Who may do what on the broker, as commands for Kafka's own tool; whatever they do not allow must be refused
    (`allow.everyone.if.no.acl.found=false`)."""
    rules = grants(read_settings().partners)
    if as_json:
        print_json([one._asdict() for one in rules])
        return
    for one in rules:
        pattern = " --resource-pattern-type prefixed" if one.prefixed else ""
        typer.echo(
            "kafka-acls.sh --bootstrap-server $KAFKA_BOOTSTRAP_SERVERS --command-config $ADMIN_CONFIG --add"
            f" --allow-principal User:{one.principal} --operation {one.operation.capitalize()}"
            f" --{one.resource} {one.name}{pattern}"
        )


def docs() -> None:
    """Writes the JSON Schemas and docs/events.md anew from the contracts."""
    publish.main()
