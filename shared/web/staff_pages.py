"""What all pages for staff have in common: one frame, everything escaped, nothing undefined, no script.

A page extends a `base.html` of its own service, which extends `staff_frame.html`: blocks `head`, `title`, `links`, `who` and
`main`; `staff`, `form` and `message` are said with each page.
"""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

FRAME = Path(__file__).parent / "staff_templates"


def staff_environment(templates: Path, style: str, sign_out: str) -> Environment:
    """The templates of this folder within the frame; `sign_out` is where the frame's form goes."""
    environment = Environment(
        loader=FileSystemLoader([templates, FRAME]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"style": style, "sign_out": sign_out}
    return environment
