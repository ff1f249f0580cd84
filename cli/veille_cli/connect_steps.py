"""The words of `veille connect`: which page to open, what to press, what to paste.

Names of buttons are those of developers.facebook.com in English; Meta shows them in the language of the account.
"""

from __future__ import annotations

from veille.i18n import gettext as _

FOR_PAGE = ("pages_show_list", "pages_read_engagement", "pages_manage_posts", "pages_manage_engagement")
FOR_ACCOUNT = ("instagram_basic", "instagram_content_publish", "instagram_manage_comments")


def welcome(service: str, *, page: bool) -> list[str]:
    """Before the first question."""
    told = [
        _("Connecting {service}. It takes about ten minutes, once.").format(service=service),
        _("Ctrl-C stops at any time; nothing is changed before the end."),
    ]
    if page:
        told.append(_("You need a Facebook account that may do everything on the page (“full control”)."))
    return told


def app() -> list[str]:
    """Where app id and app secret are."""
    return [
        _("Step 1 of 3: the app. veille speaks to Meta through an app that belongs to you; nobody else sees it."),
        _("  1. Open https://developers.facebook.com/apps and log in."),
        _("  2. Open your app. If there is none: “Create app”, choose “Other”, then “Business”, give it any name."),
        _("  3. On the left: “App settings”, “Basic”. Copy “App ID”; press “Show” beside “App secret” and copy that."),
    ]


def person(scopes: tuple[str, ...]) -> list[str]:
    """Where a person's token is made."""
    return [
        _("Step 2 of 3: your permission, for one hour. veille makes a lasting one out of it."),
        _("  1. Open https://developers.facebook.com/tools/explorer"),
        _("  2. On the right, under “Meta App”, choose your app; under “User or Page”, “Get User Access Token”."),
        _("  3. Under “Permissions” add: {scopes}").format(scopes=", ".join(scopes)),
        _("     If the page belongs to a business portfolio, also: business_management"),
        _("  4. Press “Generate Access Token”, log in, and tick your page (and its Instagram account)."),
        _("  5. Copy the long line under “Access Token”."),
        _("  (The token of a system user, from the business settings, will do as well.)"),
    ]


def page() -> list[str]:
    """Before the list of pages."""
    return [_("Step 3 of 3: the page.")]


def known() -> list[str]:
    """Instead of all steps, where the other channel's access serves."""
    return [_("The access that veille has already serves here too: there is nothing to paste.")]


def account() -> list[str]:
    """Where the token of an Instagram account without a page is made."""
    return [
        _("The account must be a professional one: in the Instagram app, “Settings”, “Account type and tools”."),
        _("  1. Open https://developers.facebook.com/apps, log in, and open your app (type “Business”)."),
        _("  2. On the left: “Instagram”, “API setup with Instagram login”."),
        _("  3. Under “Generate access tokens”, add your account, and press “Generate token” beside it."),
        _("  4. Log in to Instagram, allow everything that is asked, and copy the token."),
        _("  (If you were sent to an address with “code=” in it instead, paste that whole address.)"),
    ]


def ends(channel: str) -> list[str]:
    """What a person should know when it works."""
    told = [
        _("Meta may want a “publishing authorisation” (PPA) or two-factor authentication for the page: do that once"),
        _("on facebook.com, in the settings of the page; veille cannot do it for you."),
    ]
    if channel == "instagram":
        told += [_("Instagram fetches pictures from your site: media_base_url must show them to everybody.")]
    return told
