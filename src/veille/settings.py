"""Every setting: its section, form and default. `config` reads them from veille.toml and the environment."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from veille.brand import COLOUR_NAMES
from veille.i18n import gettext as _
from veille.rates import Rate, SendWindow, parse_rate, parse_window
from veille.timetable import Slot, parse_slot

INSTAGRAM_URL = "https://graph.instagram.com"
THIS_MACHINE = ("127.0.0.1", "::1", "localhost")

_UNITS = {"s": 1, "sec": 1, "min": 60, "h": 3600, "hour": 3600, "hours": 3600, "day": 86400, "days": 86400}
_UNITS |= {"heure": 3600, "heures": 3600, "jour": 86400, "jours": 86400}


def parse_duration(value: object) -> timedelta:
    """Read "30 s", "15 min", "2 h" or "7 days".

    Raises:
        ValueError: any other form.
    """
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"\s*(\d+)\s*([a-z]+)\s*", str(value))
    if not match or match[2] not in _UNITS:
        raise ValueError(_('write a number and a unit: "30 s", "15 min", "2 h" or "7 days"'))
    if len(match[1]) > 9:
        raise ValueError(_("this is longer than anything lasts"))
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def _items(value: object) -> object:
    """A list, also from an environment variable: JSON, or words with commas."""
    if not isinstance(value, str):
        return value
    return json.loads(value) if value.lstrip().startswith("[") else [v.strip() for v in value.split(",")]


def _slot(value: object) -> Slot:
    return value if isinstance(value, Slot) else parse_slot(str(value))


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
SlotSetting = Annotated[Slot, BeforeValidator(_slot)]
Durations = Annotated[tuple[Duration, ...], BeforeValidator(_items)]
Slots = Annotated[tuple[SlotSetting, ...], BeforeValidator(_items)]
Rates = Annotated[tuple[Annotated[Rate, BeforeValidator(parse_rate)], ...], BeforeValidator(_items)]
Window = Annotated[SendWindow | None, BeforeValidator(parse_window)]
Names = Annotated[tuple[str, ...], BeforeValidator(_items)]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]


_SEVERAL_LINES = ("dkim_key",)  # a key in PEM form


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def _one_line(cls, value: object, info: ValidationInfo) -> object:
        """Names and addresses go into mail headers, pages and terminals."""
        if info.field_name in _SEVERAL_LINES:
            return value
        if isinstance(value, str) and re.search(r"[\x00-\x1f\x7f-\x9f]", value):
            raise ValueError(_("it holds a line break or another invisible control character"))
        return value


class WorkspaceSettings(_Section):
    """Who publishes, where and in which language."""

    name: str = "veille"
    language: str = "fr"
    timezone: str = "Europe/Paris"
    base_url: str = "https://veille.example.org"
    towns: Names = ()
    backlog: Duration = timedelta(days=7)
    tick: Duration = timedelta(seconds=30)
    secret_key: SecretStr | None = None
    operators: Names = ()  # who is written to when something needs a person: "Sam Exemple <sam@example.org>"
    token_store: Literal["file", "keyring"] = "file"  # where `veille connect` keeps what it was given

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # "Europe" is a folder
            raise ValueError(_('no such time zone; for example "Europe/Paris"')) from error
        return value

    @field_validator("language")
    @classmethod
    def _language_code(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*", value):
            raise ValueError(_('language is a code like "fr"'))
        return value

    @field_validator("base_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        parts = urlsplit(value)
        unsafe = re.search(r"[\s\"'<>\\^`{|}@]", value)  # a password would be in every link
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or unsafe:
            raise ValueError(_('write the address of your site: "https://letter.example.org"'))
        return value.rstrip("/")


class BrandSettings(_Section):
    """The identity of the newsroom."""

    name: str = ""
    tagline: str = ""
    logo: str = ""
    colours: dict[str, Colour] = Field(default_factory=dict)
    dark_colours: dict[str, Colour] = Field(default_factory=dict)

    @field_validator("colours", "dark_colours")
    @classmethod
    def _known_names(cls, value: dict[str, str]) -> dict[str, str]:
        if unknown := sorted(set(value) - set(COLOUR_NAMES)):
            raise ValueError(
                _("no such colour: {names}; there are {known}").format(
                    names=", ".join(unknown), known=", ".join(COLOUR_NAMES)
                )
            )
        return value


class OutboxSettings(_Section):
    """Where the ledger lies."""

    url: str = Field(default="sqlite:///outbox/outbox.sqlite3", repr=False)  # may carry a password


class NewsletterSettings(_Section):
    """The letter."""

    transport: Literal["file", "smtp"] = "file"
    smtp_url: SecretStr | None = None
    sender: str = Field(default="", alias="from")
    reply_to: str = ""
    list_id: str = ""
    cadence: SlotSetting = Field(default_factory=lambda: parse_slot("friday 17:00"))
    resend_after: Duration = timedelta(minutes=15)
    grace: Duration = timedelta(hours=24)
    rate: Rates = ()  # of all letters together
    rates: dict[str, Rates] = Field(default_factory=dict)  # of a lane (`veille.rates`) or a domain; "" lifts it
    send_window: Window = Field(default_factory=lambda: parse_window("08:00-21:00"))
    bounce_address: str = ""  # where bounces come back to: bounces@example.org, marked for each letter
    bounces_url: SecretStr | None = None  # maildir:, mbox:, imaps:// or pops://
    dkim_domain: str = ""
    dkim_selector: str = ""
    dkim_key: SecretStr | None = None  # PEM; from the environment or a file that it names
    minors: Literal["prevention_service_exemption", "parental_joint_consent"] = "prevention_service_exemption"
    keep_proof: Annotated[Duration, Field(ge=timedelta(days=30))] | None = None  # of consent, after a reader left


class _SocialSettings(_Section):
    transport: Literal["file", "graph", "manual"] = "file"  # "manual": a person is asked by mail to post it
    editor: str = ""  # who posts by hand: "Camille Exemple <camille@example.org>"; "": workspace.operators
    readback: Durations = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=5))
    grace: Duration = timedelta(hours=2)
    api_url: str = "https://graph.facebook.com"
    api_version: str = Field(default="v26.0", pattern=r"^v\d+\.\d+$")
    access_token: SecretStr | None = None
    user_token: SecretStr | None = None  # of the person or system user behind it: `connect` keeps both
    app_id: str = Field(default="", pattern=r"^\d*$")
    app_secret: SecretStr | None = None
    token_in: Literal["header", "query"] = "header"  # "query": as a parameter, as Meta's own SDK does
    slots: Slots = ()

    @field_validator("api_url", "oauth_url", check_fields=False)
    @classmethod
    def _keeps_secrets(cls, value: str) -> str:
        """Every request to these addresses carries the access: readable on the way to anywhere but this machine."""
        try:
            parts = urlsplit(value)
            encrypted = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in THIS_MACHINE)
            wrong = not parts.hostname or parts.username or parts.query or parts.fragment or re.search(r"\s", value)
        except ValueError:
            encrypted, wrong = False, True
        if wrong or not encrypted:
            raise ValueError(_('write an address that begins with https://, like "https://graph.facebook.com"'))
        return value.rstrip("/")

    @property
    def in_query(self) -> bool:
        """Whether the token travels as a parameter."""
        return self.token_in == "query"


class FacebookSettings(_SocialSettings):
    """The Facebook page."""

    page_id: str = Field(default="", pattern=r"^[A-Za-z0-9_.]*$")
    native_scheduling: bool = False  # hand posts over ahead, so that they leave also when this machine is off
    schedule_least: Duration = timedelta(minutes=20)  # before its time a post is handed over at the latest,
    schedule_most: Duration = timedelta(days=29)  # and at the earliest; Meta's pages say 10 min to 30 (or 75) days
    draft_first: bool = False  # made unseen, then shown by its id; not proven on a live page

    @model_validator(mode="after")
    def _window(self) -> FacebookSettings:
        if not timedelta(minutes=10) <= self.schedule_least < self.schedule_most:
            raise ValueError(_("schedule_least is at least 10 min, and shorter than schedule_most"))
        return self


class InstagramSettings(_SocialSettings):
    """The Instagram account."""

    user_id: str = Field(default="", pattern=r"^[A-Za-z0-9_.]*$")
    media: str = ""  # where pictures lie for Instagram to fetch: a folder, or s3://bucket/prefix; "": with the pages
    media_base_url: str = ""  # under which address everybody sees them
    media_endpoint: str = ""  # of a bucket that is not at Amazon: "https://s3.example.org"
    media_region: str = ""
    check_media: bool = True  # open every picture as Instagram will; not where our own address is closed to ourselves
    carousel_max: int = Field(default=10, ge=2, le=20)  # pictures of one post; Meta documents 10, the app takes 20
    login: Literal["facebook", "instagram"] = "facebook"  # through the page, or of the account alone
    oauth_url: str = "https://api.instagram.com"  # login = "instagram": gives a token for a code

    @field_validator("media")
    @classmethod
    def _folder_or_bucket(cls, value: str) -> str:
        if "://" in value and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[!-~]*)?", value):
            raise ValueError(_('write a folder, or a bucket as "s3://bucket/prefix"'))
        return value

    @model_validator(mode="before")
    @classmethod
    def _host_of_login(cls, values: Any) -> Any:
        """Tokens of one login are worth nothing on the host of the other."""
        if isinstance(values, dict) and values.get("login") == "instagram" and not values.get("api_url"):
            return {**values, "api_url": INSTAGRAM_URL}
        return values


class _FolderSettings(_Section):
    transport: Literal["file", "folder"] = "file"
    output: str = ""

    @model_validator(mode="after")
    def _folder_needs_output(self) -> _FolderSettings:
        if self.transport == "folder" and not self.output:
            raise ValueError(_('transport = "folder" needs output = "the folder to write to"'))
        return self


class FeedSettings(_FolderSettings):
    """RSS and JSON Feed."""

    items: int = Field(default=50, ge=1, le=500)
    hub: str = ""  # WebSub: told of every change; a hub is a third party, so there is none by default


class WebSettings(_FolderSettings):
    """The public pages."""

    exit_url: str = "https://meteofrance.com/"  # where "Leave this site" leads: harmless, the same for everybody
    owner: str = ""  # who publishes, for the legal pages: "Département des Exemples"
    privacy_contact: str = ""  # of the data protection officer: an address, or words
    accessibility: Literal["none", "partial", "full"] = "none"  # what an audit found; "none": no audit yet
    accessibility_on: date | None = None  # when the statement was made, 2026-11-22: RGAA wants it said
    accessibility_contact: str = ""  # whom to tell of what cannot be read or used; "": `privacy_contact`

    @property
    def help_contact(self) -> str:
        """Whom to tell of what cannot be read or used; "" for nobody."""
        return self.accessibility_contact or self.privacy_contact


class ServeSettings(_Section):
    """What `veille serve` answers, and how often."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    trusted_proxies: Names = ()  # addresses or networks whose X-Forwarded-For is believed
    per_client: Rates = Field(default_factory=lambda: (parse_rate("20/h"),))  # sign-ups of one address or /64
    per_hour: int = Field(default=500, ge=1)  # confirmation mails of all together; more raise an alarm
    max_age_of_form: Duration = timedelta(hours=24)


class ChecksSettings(_Section):
    """What content is held against before it is queued."""

    verify_every: Duration = timedelta(days=90)  # a contact that nobody confirmed for longer is asked again
    links: bool = True  # every link is followed before something is published for people
    link_timeout: Duration = timedelta(seconds=10)
    sentence: int = Field(default=25, ge=5, le=100)  # words; longer sentences are pointed at
    readability: dict[Literal["young", "families", "professionals"], Annotated[int, Field(ge=0, le=100)]] = Field(
        default_factory=dict  # Kandel-Moles, 0 (hard) to 100 (easy); the defaults are in `checks.french`
    )
    acronyms: Names = ()  # that our readers know: written without explanation
    handles: Names = ()  # our accounts on social networks: "kess_kiss_pass_92"
    ignore: Names = ()  # codes of warnings that this newsroom does not want to see


class ApprovalSettings(_Section):
    """Who must agree before something is queued."""

    required: (
        Literal["all", "none"] | Annotated[tuple[Literal["sensitive", "urgent"], ...], BeforeValidator(_items)]
    ) = "none"
    reviewers: Names = ()  # "Camille Exemple <camille@example.org>"; empty: anybody but the author


class Settings(_Section):
    """Everything that veille.toml and the environment say."""

    workspace: WorkspaceSettings = WorkspaceSettings()
    brand: BrandSettings = BrandSettings()
    outbox: OutboxSettings = OutboxSettings()
    newsletter: NewsletterSettings = Field(default_factory=NewsletterSettings)
    feed: FeedSettings = FeedSettings()
    web: WebSettings = WebSettings()
    serve: ServeSettings = Field(default_factory=ServeSettings)
    facebook: FacebookSettings = FacebookSettings()
    instagram: InstagramSettings = InstagramSettings()
    checks: ChecksSettings = Field(default_factory=ChecksSettings)
    approval: ApprovalSettings = ApprovalSettings()
