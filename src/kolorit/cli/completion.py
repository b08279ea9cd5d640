"""``kolorit completion SHELL``, and the answers while a line is being completed."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem, get_completion_class

from kolorit.cli import words
from kolorit.cli.command import COMPLETE, VERBS, Command

_EXAMPLES = (
    ('eval "$(kolorit completion bash)"', "in ~/.bashrc"),
    ('eval "$(kolorit completion zsh)"', "in ~/.zshrc"),
    ("kolorit completion fish | source", "in ~/.config/fish/config.fish"),
)


@click.command(cls=Command, examples=_EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print what a shell needs to complete kolorit's commands and options."""
    kind = get_completion_class(shell)
    assert kind is not None
    words.print_line(kind(_AllCommands(), {}, "kolorit", COMPLETE).source())
    return 0


def complete(instruction: str) -> int:
    """Answer the shell's question, which stands in the environment. instruction: bash_complete."""
    shell, _, what = instruction.partition("_")
    kind = get_completion_class(shell)
    if kind is None or what not in ("source", "complete"):
        return 1
    asked = kind(_AllCommands(), {}, "kolorit", COMPLETE)
    words.print_line(asked.source() if what == "source" else asked.complete())
    return 0


class _AllCommands(click.Group):
    """The verbs as click sees them, with the options of the command that has no verb."""

    def __init__(self) -> None:
        from kolorit.cli.main import load_command

        options = [p for p in load_command(None).params if isinstance(p, click.Option)]
        super().__init__("kolorit", params=list(options))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from kolorit.cli.main import load_command

        return load_command(cmd_name) if cmd_name in VERBS else None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = super().shell_complete(ctx, incomplete)
        if not incomplete.startswith("-"):
            found.append(CompletionItem(incomplete, type="file"))
        return found
