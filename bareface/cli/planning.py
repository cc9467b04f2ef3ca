"""`bareface plan`: what an audit would take, before it runs."""

from pathlib import Path
from typing import Annotated

import typer

from bareface.cli.links import AllowLinks
from bareface.cli.manners import AsJson, manners, out


def plan(
    config: Annotated[Path, typer.Argument(help="A YAML configuration, as for bareface audit.")],
    people: Annotated[int | None, typer.Option(min=2, help="As if so many people of each role were drawn.")] = None,
    shards: Annotated[
        bool, typer.Option("--shards", help="Begin the run, and leave asking its models to an array job.")
    ] = False,
    run: Annotated[Path, typer.Option("--run", "-o", help="With --shards: where the run goes.")] = Path("runs/audit"),
    json: AsJson = False,
    allow_code: Annotated[bool, typer.Option("--allow-code", help="As for bareface audit.")] = False,
    allow_links: AllowLinks = False,
) -> None:
    """What would an audit take? Time, memory, disk, the price of each attack, and the smallest effect it could show."""
    with manners():
        from bareface.auditing.config_file import read_config
        from bareface.auditing.planning import plan_audit
        from bareface.cli.auditing import brought_by
        from bareface.cli.auditing import people as people_of
        from bareface.cli.sharding import list_shards
        from bareface.report.planning import plan_text

        settings = read_config(config, {"sample": {"people": people}} if people else {}, allow_code=allow_code)
        roster = people_of(settings, allow_links)
        if shards:
            out(list_shards(config, settings, roster, run))
            return
        made = plan_audit(brought_by(settings, roster), settings)
        out(made.model_dump_json(indent=1) if json else plan_text(made))
