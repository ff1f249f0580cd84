"""The codes of numbers (rules P1 to P8 of issue 5), each with what it means for the person who wrote the text."""

from __future__ import annotations

from veille.checks.rules import Rule, mark
from veille.errors import Severity

_SERVICE = "https://www.service-public.fr/particuliers/vosdroits/F33954"
_ARCEP = "Arcep, numbering plan, décision 2018-0881, read 2026-11-18"
_EMERGENCY = "service-public.fr, fiche F33954, read 2026-11-18"
_HOUSE = mark("Never type a number again: name its record, and every channel shows it right, as a link.")

INCOMPLETE = Rule(
    "number-incomplete",
    mark("A telephone number that cannot ring"),
    mark("Somebody in danger dials it once, gets nothing, and does not try again."),
    mark("Look the number up where the service itself writes it, put it into a record, and name the record."),
    "Le numéro vert 0800 300 3 répond.",
    "{{ helpline: 3919 }} répond.",
    excusable=False,
    source=_ARCEP,
)
FOREIGN = Rule(
    "number-foreign",
    mark("A number of another country"),
    mark("A free number of a neighbouring country cannot be reached from France: who dials it gets nothing."),
    mark("Print the French service. veille never corrects a number by itself."),
    "Écoute violences conjugales : 0800 300 30.",
    "Violences Femmes Info : {{ helpline: 3919 }}.",
    excusable=False,
    source="ecouteviolencesconjugales.be; Google libphonenumber 9.0.43; read 2026-11-18",
)
DENIED = Rule(
    "number-denied",
    mark("A number that must not be printed any more"),
    mark("The service moved, closed or never was there. Old numbers live on in leaflets and are copied for years."),
    mark("Print the number that is named instead; where none is named, print none until somebody called the service."),
    "Harcèlement : appelle le 3020.",
    "Harcèlement : appelle {{ helpline: 3018 }}.",
    excusable=False,
    source="DILA, February 2024; france-victimes.fr, 2018; read 2026-11-18",
    link=_SERVICE,
)
UNKNOWN = Rule(
    "number-unknown",
    mark("A short number or an 08 number without a record"),
    mark("Nobody here has verified that somebody answers there, at what hours, and at what price."),
    mark("Call the service, write its record into content/helplines.yaml, and name the record in the text."),
    "Appelle le 3456.",
    "Appelle {{ helpline: 3114 }}.",
    excusable=False,
    source=_EMERGENCY,
    link=_SERVICE,
)
UNLISTED = Rule(
    "number-unlisted",
    mark("A telephone number without a record"),
    mark("Only records are verified again every three months; a number in a text grows old and nobody sees it."),
    mark(
        "Write a record in content/partners/ and name it in the text. Beside words of help and danger this is an error."
    ),
    "La mairie : 01 99 00 77 77.",
    "{{ partner: ccas-bagneux }}",
    Severity.WARNING,
    source="veille, issue 5, rule P3",
)
RECORD_OLD = Rule(
    "number-record-old",
    mark("A number that nobody verified for long"),
    mark("Associations move and lines close. A wrong number is worse than none."),
    mark(
        "Check it at its source (nobody tries an emergency number), then run `veille partners confirm`, or "
        "correct verified_on in its record."
    ),
    "verified_on: 2025-01-15",
    "verified_on: 2026-11-18",
    source="veille, issue 5, point 1: 90 days; [checks] verify_every",
)
LABEL = Rule(
    "number-label",
    mark("Words beside a number that its record contradicts"),
    mark("Who cannot pay does not call again, who calls at night gets a machine, and 114 cannot be called at all."),
    mark("Write what the record says, or correct the record when it is the record that is wrong."),
    "Appelle le 114.",
    "Envoie un SMS au 114.",
    source="Arcep price ranges; urgence114.fr; read 2026-11-18",
    link="https://www.urgence114.fr",
)
MISTAKEN = Rule(
    "number-mistaken",
    mark("The number of another service"),
    mark("Both exist, so nothing looks wrong. Who dials it loses the time in which help would have come."),
    _HOUSE,
    "Pompiers : 15.",
    "{{ helpline: 18 }}",
    excusable=False,
    source="service-public.fr, fiche F33954; read 2026-11-18",
    link="https://www.service-public.fr/particuliers/vosdroits/F33954",
)
HOURS = Rule(
    "number-hours",
    mark("A line that does not answer on the day it is shown"),
    mark("Hours and lines change. What was right when it was written may be wrong when it is read."),
    mark("Look at valid_from, valid_until and the hours of the record, and name a line that answers on that day."),
    source="veille, issue 5, rule P6",
)
MOBILE = Rule(
    "number-mobile",
    mark("A mobile number without a record"),
    mark("It may be somebody's own telephone: anybody can call it, for years, at any hour."),
    mark("Ask whether it is a service telephone. If it is, write a record for the service; if not, take it out."),
    "Appelle Dominique au 06 39 98 77 77.",
    "{{ partner: point-ecoute-jeunes }}",
    Severity.WARNING,
    source="CNIL, personal data: telephone numbers, read 2026-11-18",
)
FORMAT = Rule(
    "number-format",
    mark("A number that is hard to read"),
    mark("Ten digits in one row are mistyped; letters instead of digits cannot be dialled by a tap."),
    mark("Write pairs of digits with a space between them."),
    "0652136577",
    "06 52 13 65 77",
    Severity.WARNING,
    source="Lexique des règles typographiques, Imprimerie nationale, 2002",
)
RETYPED = Rule(
    "number-retyped",
    mark("A number that has a record and was typed"),
    mark("When the record changes, this copy stays as it is."),
    _HOUSE,
    "Appelle le 3919.",
    "Appelle {{ helpline: 3919 }}.",
    Severity.WARNING,
    source="veille, issue 5, point 1",
)
LINK = Rule(
    "number-link",
    mark("A link that dials something else than it shows"),
    mark("One reads a number, taps it, and calls another; or taps a number that takes text messages only."),
    _HOUSE,
    "[39 19](tel:3929)",
    "{{ helpline: 3919 }}",
    excusable=False,
    source="RFC 3966 (tel), RFC 5724 (sms)",
    link="https://www.rfc-editor.org/rfc/rfc3966",
)
FICTIONAL = Rule(
    "number-fictional",
    mark("A number of the samples, about to be shown to people"),
    mark("These ranges are kept for films and examples: they never ring."),
    mark("Put the real number into the record before a channel goes live."),
    "phone: 01 99 00 12 34",
    "phone: le numéro du service, appelé avant l’envoi",
    excusable=False,
    source=_ARCEP,
)
SMS = Rule(
    "number-sms",
    mark("A number for text messages that takes none"),
    mark("Who cannot speak writes, and nobody reads it."),
    mark("Give a mobile number (06 or 07), or leave `sms` out."),
    "sms: 01 99 00 12 34",
    "sms: 06 39 98 12 34",
    source=_ARCEP,
)
TEMPLATE = Rule(
    "number-in-template",
    mark("A number that no record knows, in what a channel adds to the text"),
    mark("It stands in every letter and page, and no post's check sees it."),
    mark("Look for it in templates/, in the tagline and in veille.toml, and let the template show a record instead."),
    "",
    "",
    Severity.WARNING,
    source="veille, issue 5, point 2",
)
RULES = (
    INCOMPLETE,
    FOREIGN,
    DENIED,
    UNKNOWN,
    UNLISTED,
    RECORD_OLD,
    LABEL,
    MISTAKEN,
    HOURS,
    MOBILE,
    FORMAT,
    RETYPED,
    LINK,
    FICTIONAL,
    SMS,
    TEMPLATE,
)
