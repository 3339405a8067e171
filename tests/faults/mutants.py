"""Ways to build it wrongly: what a mutant is, and a copy of the sources with its patches applied."""

import shutil
from dataclasses import dataclass
from pathlib import Path

Patch = tuple[str, str, str]
Text = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Mutant:
    """`patches` are (file, old text, new text); the old text must be there exactly once. `breaks` says what can no
    longer be relied on; `caught_by` names the checks of which one at least must fail under faults. `blinded` are the
    walls that hold as well and are taken down, so that it is seen whether the checker sees anything."""

    name: str
    patches: tuple[Patch, ...]
    faults: tuple[str, ...] = ("writer", "relay", "reader", "echo", "cut")
    seconds: float = 9.0
    breaks: str = ""
    caught_by: tuple[str, ...] = ()
    blinded: tuple[str, ...] = ()


def in_file(file: str, *texts: Text) -> tuple[Patch, ...]:
    """Patches of one file."""
    return tuple((file, old, new) for old, new in texts)


def copy_with(
    mutant: Mutant, root: Path, folder: Path, parts: tuple[str, ...] = ("shared", "tests/faults")
) -> Path:
    """A copy of the kernel and the witness, or of other parts, with the mutant's patches applied."""
    tree = folder / "tree"
    for part in parts:
        shutil.copytree(root / part, tree / part, ignore=shutil.ignore_patterns("__pycache__", "schemas"))
        (tree / Path(part).parts[0] / "__init__.py").touch()
    for file, old, new in mutant.patches:
        text = (tree / file).read_text()
        assert text.count(old) == 1, f"{mutant.name}: the text to patch in {file} has changed"
        (tree / file).write_text(text.replace(old, new))
    return tree
