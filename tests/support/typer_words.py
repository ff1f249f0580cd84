"""What Typer says through gettext, in our domain: nothing runs this file, extraction reads it.

Headings of the help (Arguments, Options, Commands) get a colon from Typer: French keeps its no-break space before.

`veille_cli.app` points gettext's default domain at our catalogue before Typer is imported, so that these are looked
up there. A test compares the list with the installed Typer, so that an upgrade cannot bring an English word along.
"""

from veille.i18n import gettext as _

WORDS = (
    _("(deprecated) "),
    _("(dynamic)"),
    _("Aborted!"),
    _("Aborted."),
    _("Arguments"),
    _("Commands"),
    _("Error"),
    _("Missing command."),
    _("No such command {name!r}."),
    _("Options"),
    _("Try [blue]'{command_path} {help_option}'[/] for help."),
    _("[default: {}]"),
    _("[env var: {}]"),
    _("[required]"),
    _("default: {default}"),
    _("env var: {var}"),
    _("required"),
)
