"""What may be wrong with a web or mail address: each code, explained to the person who wrote it."""

from __future__ import annotations

from veille.checks.rules import Rule, mark
from veille.errors import Severity

_PURPOSE = "https://www.w3.org/WAI/WCAG22/Understanding/link-purpose-in-context.html"
_WCAG = "WCAG 2.2, 2.4.4 Link Purpose (In Context); RGAA 4.1, criterion 6.1"
_RESERVED = "RFC 2606, RFC 6761"
_RESERVED_LINK = "https://www.rfc-editor.org/rfc/rfc6761"

# Seen in the text ----

BROKEN = Rule(
    "url-broken",
    mark("A web address is broken"),
    mark("A line break or a space in the middle cuts the address: whoever clicks on it lands on an error page."),
    mark("Write the address in one piece, without space or line break: <https://…>."),
    wrong="Tous les contacts sont sur https://www.exemple.fr/toutes-les-\nactualites/detail/que-faire",
    right="Tous les contacts sont sur <https://www.exemple.fr/toutes-les-actualites/detail/que-faire>",
    source="RFC 3986, appendix C",
    link="https://www.rfc-editor.org/rfc/rfc3986#appendix-C",
)
BARE = Rule(
    "url-bare",
    mark("An address stands in the text and is no link"),
    mark("Readers cannot click on it: they would have to copy it by hand, and many phones make that hard."),
    mark("Put it between < and >, or behind words that say where it leads: [the programme](https://…)."),
    wrong="Le programme est sur https://www.exemple.fr/programme",
    right="Lisez [le programme de décembre](https://www.exemple.fr/programme).",
    severity=Severity.WARNING,
)
WORDS = Rule(
    "link-words",
    mark("The words of a link do not say where it leads"),
    mark("People who listen to a page jump from link to link: “here” or “read more” alone tells them nothing."),
    mark("Let the words name what is behind the link: a page, a form, a programme."),
    wrong="Pour t'inscrire, [clique ici](https://www.exemple.fr/inscription).",
    right="[Inscris-toi à la sortie](https://www.exemple.fr/inscription).",
    severity=Severity.WARNING,
    source=_WCAG,
    link=_PURPOSE,
)
TWINS = Rule(
    "link-twins",
    mark("The same words lead to two places"),
    mark("Who hears only the links of a text cannot tell the two apart, and takes the wrong one."),
    mark("Give each link words of its own."),
    wrong="[Le programme](https://www.exemple.fr/mardi) et [le programme](https://www.exemple.fr/jeudi)",
    right="[Le programme de mardi](https://www.exemple.fr/mardi) et [celui de jeudi](https://www.exemple.fr/jeudi)",
    severity=Severity.WARNING,
    source=_WCAG,
    link=_PURPOSE,
)
MISMATCH = Rule(
    "link-mismatch",
    mark("A link shows one address and leads to another"),
    mark("This is what fraudulent mails do: filters set such a letter aside, and careful readers do not click."),
    mark("Let both be the same address, or write words instead of an address."),
    wrong="[contact@ville.fr](mailto:accueil@ville.fr)",
    right="[contact@ville.fr](mailto:contact@ville.fr)",
)

# Where it leads ----

HTTP = Rule(
    "http-link",
    mark("The connection to this page is not protected"),
    mark(
        "With http:// whoever runs the network (a café, a school, a family) sees which page is read and can change it."
    ),
    mark("Try the same address with https:// and write that one if it works."),
    wrong="http://www.exemple.fr/aide",
    right="https://www.exemple.fr/aide",
    severity=Severity.WARNING,
)
TRACKING = Rule(
    "link-tracking",
    mark("The address carries a tracking mark"),
    mark(
        "It tells the other site which letter, post or person a visit comes from. We promise our readers no tracking."
    ),
    mark("Delete the mark: usually all that stands behind the question mark. Try the shortened address once."),
    wrong="https://www.exemple.fr/atelier?utm_source=lettre&fbclid=IwAR0",
    right="https://www.exemple.fr/atelier",
    source="CNIL, cookies et autres traceurs",
    link="https://www.cnil.fr/fr/cookies-et-autres-traceurs",
)
DETOUR = Rule(
    "link-detour",
    mark("The address goes by way of somebody else"),
    mark(
        "The reader does not see where it leads, a third party counts every click, and the link dies with that service."
    ),
    mark("Open it once, and write the address on which it ends."),
    wrong="https://bit.ly/3xYzAbC",
    right="https://www.exemple.fr/inscription-patinoire",
    excusable=False,
)
PASSWORD = Rule(
    "link-password",
    mark("The address holds a user name or a password"),
    mark("Everybody who gets the letter could use it; and some programmes read it as another site than it seems."),
    mark("Write the address without what stands before the @, and change the password."),
    wrong="https://equipe:secret@www.exemple.fr/planning",
    right="https://www.exemple.fr/planning",
    excusable=False,
)
PRIVATE = Rule(
    "link-private",
    mark("The address only exists inside a network"),
    mark("It opens on a computer of the office and nowhere else: readers get an error page."),
    mark("Write the public address of the page, or put the document on the public site."),
    wrong="http://intranet/affiche.pdf",
    right="https://www.exemple.fr/affiche.pdf",
)
EXAMPLE = Rule(
    "link-example",
    mark("The address is an invented one"),
    mark("example.org and its like are reserved for examples: nobody will ever answer there."),
    mark("Write the real address, or take the example out."),
    wrong="https://association.example.org",
    right="https://www.association.fr",
    source=_RESERVED,
    link=_RESERVED_LINK,
)
OWN = Rule(
    "link-own",
    mark("A link into our own site leads nowhere"),
    mark("There is no such page on the site, or it belongs to one single reader (to leave the letter, to choose)."),
    mark("Write /posts/NAME/ with the name of a post that is published on the web."),
    wrong="[La sortie](/posts/sortie-patinoir/)",
    right="[La sortie](/posts/sortie-patinoire/)",
)

# Mail addresses ----

MAIL_BROKEN = Rule(
    "mail-malformed",
    mark("A mail address is not complete"),
    mark("A message to it comes back, or never leaves: somebody who asks for help gets no answer."),
    mark("Write the whole address in one piece: contact@ville.fr."),
    wrong="Écrivez à contact @ville.fr",
    right="Écrivez à <contact@ville.fr>",
    source="RFC 5322, section 3.4.1",
    link="https://www.rfc-editor.org/rfc/rfc5322#section-3.4.1",
)
MAIL_TYPO = Rule(
    "mail-typo",
    mark("A mail address has a slip in its second half"),
    mark("Messages go to strangers who own the mistyped name, or to nobody."),
    mark("Check the part behind the @."),
    wrong="atelier@gamil.com",
    right="atelier@gmail.com",
)
MAIL_UNKNOWN = Rule(
    "mail-unrecorded",
    mark("A mail address stands in no contact record"),
    mark("Nobody confirms it every three months: when it changes, this text goes on giving the old one."),
    mark("Put the contact into content/partners/ and write {{ partner: name }}, or say in `allow` why it stands here."),
    wrong="Inscriptions : atelier@association.fr",
    right="{{ partner: atelier-la-prise }}",
    severity=Severity.WARNING,
)

# Found by following them (`veille.linking`) ----

DEAD = Rule(
    "link-dead",
    mark("The page does not exist"),
    mark("Readers who click get an error page instead of the information."),
    mark("Look for the new address of the page, or take the link out."),
    source="RFC 9110, sections 15.5.5 and 15.5.11",
    link="https://www.rfc-editor.org/rfc/rfc9110#section-15.5",
)
MOVED = Rule(
    "link-moved",
    mark("The page is somewhere else now"),
    mark("The old address works only as long as its owner forwards it; one that ends on a home page lost its content."),
    mark("Open the link, and write the address on which you find what you mean."),
    severity=Severity.WARNING,
    source="RFC 9110, section 15.4",
    link="https://www.rfc-editor.org/rfc/rfc9110#section-15.4",
)
UNREACHABLE = Rule(
    "link-unreachable",
    mark("Nobody could say whether the page exists"),
    mark("The site did not answer, was overloaded, or lets no programme in; it may be back in an hour, or gone."),
    mark("Open the link yourself, on a phone outside the office network."),
    severity=Severity.WARNING,
)
CERTIFICATE = Rule(
    "link-certificate",
    mark("Browsers warn of this site"),
    mark("Its certificate is expired, made out to another name, or signed by nobody: readers see a frightening page."),
    mark("Tell the owner of the site, and link to another page until it is mended."),
)
OFFLINE = Rule(
    "links-unchecked",
    mark("The links could not be checked"),
    mark("Without network nobody knows whether a page is still there."),
    mark("Check again when this computer is connected: veille check --links."),
    severity=Severity.WARNING,
)

RULES = (
    *(BROKEN, BARE, WORDS, TWINS, MISMATCH),
    *(HTTP, TRACKING, DETOUR, PASSWORD, PRIVATE, EXAMPLE, OWN),
    *(MAIL_BROKEN, MAIL_TYPO, MAIL_UNKNOWN),
    *(DEAD, MOVED, UNREACHABLE, CERTIFICATE, OFFLINE),
)
