"""`topics` and `docs`: what must be there before the first event, and the page that tells of it."""

from services.console.commands.rendering import AsJson, print_json, print_table, run, stop
from services.console.gateways import WrongTopic, make_topics
from services.console.settings import read_settings
from shared.contracts import publish
from shared.contracts.topics import TOPICS, partner_topic


def topics(as_json: AsJson = False) -> None:
    """Creates every topic that is missing and checks those that are there."""
    settings = read_settings()
    table = (*TOPICS, *(partner_topic(name) for name in settings.partners))
    try:
        created = set(run(make_topics(settings.kafka_bootstrap_servers, table, settings.kafka_replication)))
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


def docs() -> None:
    """Writes the JSON Schemas and docs/events.md anew from the contracts."""
    publish.main()
