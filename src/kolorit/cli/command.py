"""What commands share: a place in the table of verbs, and help that begins with examples."""

from __future__ import annotations

from typing import Any

import click

COMPLETE = "_KOLORIT_COMPLETE"  # set by the shell while it completes a line

# verb -> module and name of its command; loaded when it is called
VERBS = {
    "serve": "kolorit.cli.serve:serve",
    "models": "kolorit.cli.models:models",
    "doctor": "kolorit.cli.doctor:doctor",
    "evaluate": "kolorit.cli.evaluate:evaluate",
    "train": "kolorit.cli.train:train",
    "study": "kolorit.cli.study:study",
    "features": "kolorit.cli.features:features",
    "completion": "kolorit.cli.completion:completion",
}


class Command(click.Command):
    """A click command whose help is: one line, examples, usage, options.

    examples: (command line, what it does) pairs. about: lines after the options.
    """

    def __init__(
        self,
        *args: Any,
        examples: tuple[tuple[str, str], ...] = (),
        about: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (),
        **kwargs: Any,
    ) -> None:
        settings = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
        kwargs.setdefault("context_settings", settings)
        super().__init__(*args, **kwargs)
        self.examples = examples
        self.about = about

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(f"{(self.help or '').strip()}\n\n")
        with formatter.indentation():
            formatter.write_dl(list(self.examples), col_max=44)
        formatter.write_paragraph()
        self.format_usage(ctx, formatter)
        self.format_options(ctx, formatter)
        for title, rows in self.about:
            with formatter.section(title):
                formatter.write_dl(list(rows))
