"""The pages that answer: each method is the handler of one address in `routes.ADDRESSES`."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import anyio
import sqlalchemy as sa
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from veille.errors import LedgerError
from veille.i18n import gettext as _
from veille.signup import Answer, Question, Words, client_of, consent_words, question
from veille.subscribers import held_of
from veille.tokens import Purpose
from veille_web.site import fields, messages
from veille_web.site.desk import Desk
from veille_web.site.fields import Age
from veille_web.site.form import Form, form, known
from veille_web.site.messages import Message
from veille_web.site.static import respond
from veille_web.site.together import Together

_PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, noarchive"}


class Pages:
    """Answers requests; whatever touches the database runs in threads of the desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._question: Question = question(desk.config.settings)
        self._asking = Together(partial(desk.write, desk.signups.ask_all))

    # the published files

    async def published(self, request: Request) -> Response:
        """A page, feed, picture or calendar that was published."""
        desk = self._desk
        address = f"/{request.path_params['path']}"
        found = await desk.find(address)
        if isinstance(found, str):
            return RedirectResponse(desk.root + found, 308, {"Cache-Control": "no-store"})  # else a browser keeps it
        if found is None and address == "/":  # nothing is published yet, and letters may name us already
            return RedirectResponse(desk.link("subscribe/"), 307, _PRIVATE)
        if found is None and address in ("/subscribe", desk.root):
            return RedirectResponse(desk.link("" if address == desk.root else "subscribe/"), 308)
        if found is None:
            return await self._missing(request)
        return respond(found, request.headers)

    async def _missing(self, request: Request) -> Response:
        """The site's own page; the sandbox's has relative links, which lead astray at other depths."""
        if self._desk.config.live("web"):
            found = await self._desk.find("/404.html")
            if found is not None and not isinstance(found, str):
                return respond(found, request.headers, 404)
        return self.message(messages.refused(404))

    async def health(self, request: Request) -> Response:  # noqa: ARG002 (Starlette gives it)
        """For a supervisor: whether the outbox can be read."""
        await self._desk.ask(self._look_at_the_outbox)
        return JSONResponse({"status": "ok"}, headers=_PRIVATE)

    def _look_at_the_outbox(self) -> None:
        with self._desk.database.read() as connection:
            connection.execute(sa.text("SELECT 1 FROM signup LIMIT 1")).first()

    # subscribing

    async def subscribe(self, request: Request) -> Response:  # noqa: ARG002
        """The empty form."""
        return self._form(Form())

    async def ask(self, request: Request) -> Response:
        """The form came back. From another site, or too quick or old, it is shown again, to be sent once more."""
        desk = self._desk
        found = await self._fields(request)
        if fields.one(found, fields.TRAP):
            return self.message(messages.sent())
        filled = form(found, desk.config.towns, desk.audiences)
        age = desk.stamps.age(fields.one(found, "stamp"), desk.clock())
        if age is not Age.RIGHT:
            return self._form(filled, note=_("Please read this, then press the button once more."))
        if wrong := filled.wrong(self._question):
            return self._form(filled, wrong=wrong)
        row = filled.row(self._question, desk.config.settings.workspace.language, self._words.version)
        asked = await self._asking.do((row, client_of(self._client(request))))
        if asked.alarm:
            desk.alarm(_("more sign-ups than serve.per_hour allows; further ones are put off"))
        if asked.answer is not Answer.TAKEN:
            return self.message(messages.busy(asked.answer))
        desk.wake()
        return self.message(messages.sent())

    async def confirm_page(self, request: Request) -> Response:
        """A button; programs that look at mail open the link before people do."""
        token = request.path_params["token"]
        signup = self._desk.subscriber(Purpose.CONFIRM, token)
        if signup is None:
            return self.message(messages.void())
        outcome = await self._desk.ask(self._desk.signups.look, signup)
        return self.message(messages.confirm(outcome, f"c/{token}"))

    async def confirm(self, request: Request) -> Response:
        """The button was pressed."""
        desk = self._desk
        token = request.path_params["token"]
        signup = desk.subscriber(Purpose.CONFIRM, token)
        if signup is None:
            return self.message(messages.void())
        done = await desk.write(desk.signups.confirm, signup)
        own = f"p/{desk.token(Purpose.PREFERENCES, done.subscriber)}" if done.subscriber else ""
        return self.message(messages.confirm(done.outcome, f"c/{token}", own))

    # a reader's own page

    async def preferences(self, request: Request) -> Response:
        """What they chose. The address is not shown: a letter may be passed on with its links."""
        return await self._preferences(request)

    async def choose(self, request: Request) -> Response:
        """Keep what they chose now."""
        desk = self._desk
        found = await self._fields(request)
        subscriber = self._reader(request)
        if subscriber is None:
            return self._nobody(subscriber)
        audience, language = fields.one(found, "audience"), fields.one(found, "language")
        choices: dict[str, Any] = {
            "towns": ",".join(known(found.get("towns", []), desk.config.towns)),
            "audience": audience if audience in desk.audiences else "",
            "text_only": fields.one(found, "text_only") == "yes",
        }
        if language in desk.languages:
            choices["language"] = language
        changed = await desk.write(desk.subscribers.change, subscriber, choices)
        return await self._preferences(request, _("Your choices are kept.") if changed else "")

    async def _preferences(self, request: Request, note: str = "") -> Response:
        desk = self._desk
        subscriber = self._reader(request)
        chosen = None if subscriber is None else await desk.ask(desk.subscribers.look, subscriber)
        if subscriber is None or chosen is None:
            return self._nobody(subscriber)
        return self._html(
            "preferences.html.j2",
            title=_("Your letter"),
            address=f"p/{request.path_params['token']}",
            leave=f"u/{desk.token(Purpose.UNSUBSCRIBE, subscriber)}",
            reads=chosen["state"] == "subscribed",
            chosen={**chosen, "towns": chosen["towns"].split(",")},
            towns=desk.config.towns,
            audiences=desk.audiences,
            languages=desk.languages,
            note=note,
        )

    async def export(self, request: Request) -> Response:
        """Everything that is held about them (RGPD articles 15 and 20), as a file."""
        desk = self._desk
        subscriber = self._reader(request)
        held = None if subscriber is None else await desk.ask(held_of, desk.database, self._key, subscriber)
        if held is None:
            return self._nobody(subscriber)
        content = json.dumps(held, ensure_ascii=False, indent=2)
        name = {"Content-Disposition": 'attachment; filename="letter.json"'}
        return Response(content, media_type="application/json", headers={**_PRIVATE, **name})

    async def erase_page(self, request: Request) -> Response:
        """Asks once more."""
        return await self._erase(request, sure=False)

    async def erase(self, request: Request) -> Response:
        """Erase, after being asked."""
        found = await self._fields(request)
        return await self._erase(request, sure=fields.one(found, "sure") == "yes")

    async def _erase(self, request: Request, *, sure: bool) -> Response:
        desk = self._desk
        subscriber = self._reader(request)
        if subscriber is None or await desk.ask(desk.subscribers.look, subscriber) is None:
            return self._nobody(subscriber)
        if not sure:
            return self.message(messages.erase(f"p/{request.path_params['token']}"))
        emptied = await desk.ask(desk.erasure.erase_reader, subscriber, desk.clock())
        answer = self.message(messages.erased())
        if not emptied:
            answer.background = BackgroundTask(self._empty_log)
        return answer

    async def _empty_log(self) -> None:
        """Others were reading while somebody was erased: take the old pages away as soon as they are done."""
        for _try in range(8):
            await anyio.sleep(5)
            try:
                await self._desk.ask(self._desk.erasure.empty_log)
            except LedgerError:
                continue
            return
        self._desk.alarm(_("erased, but another process is reading the outbox: its log still holds the old pages"))

    # leaving

    async def leave_page(self, request: Request) -> Response:
        """A button; opening the link changes nothing. Whoever left or was erased is told so, with nothing to press."""
        desk, token = self._desk, request.path_params["token"]
        subscriber = desk.subscriber(Purpose.UNSUBSCRIBE, token)
        if subscriber is None:
            return self._nobody(subscriber)
        found = await desk.ask(desk.subscribers.look, subscriber)
        if found is not None and found["state"] == "subscribed":
            return self.message(messages.leave(f"u/{token}"))
        return self._left(subscriber, known=found is not None)

    async def leave(self, request: Request) -> Response:
        """Out, now. Whatever the body says: mail services send it in more than one form (RFC 8058, 3.2).

        No cookie, redirect or login; 200 the second time too, and for whoever was erased meanwhile.
        """
        desk = self._desk
        await request.body()
        subscriber = desk.subscriber(Purpose.UNSUBSCRIBE, request.path_params["token"])
        if subscriber is None:
            return self._nobody(subscriber)
        await desk.write(desk.subscribers.leave, subscriber, desk.clock())
        found = await desk.ask(desk.subscribers.look, subscriber)
        return self._left(subscriber, known=found is not None)

    def _left(self, subscriber: int, *, known: bool) -> Response:
        own = f"p/{self._desk.token(Purpose.PREFERENCES, subscriber)}"
        return self.message(messages.left(own) if known else messages.deleted())

    def _nobody(self, subscriber: int | None) -> Response:
        """A link that was forged or cut (404), or an honest one of somebody who was erased (410)."""
        return self.message(messages.void() if subscriber is None else messages.deleted(410))

    # what goes wrong

    async def refused(self, request: Request, error: Exception) -> Response:  # noqa: ARG002
        """A refusal of Starlette or of the guard, in words."""
        status = error.status_code if isinstance(error, HTTPException) else 400
        headers = error.headers if isinstance(error, HTTPException) else None
        return self.message(messages.refused(status), headers or {})

    async def out_of_order(self, request: Request, error: Exception) -> Response:  # noqa: ARG002
        """The outbox cannot be used now: another program holds it, or its disk is full."""
        assert isinstance(error, LedgerError)
        self._desk.alarms.say(error.hint or error.message, error.message)
        return self.message(messages.refused(503))

    async def failed(self, request: Request, error: Exception) -> Response:  # noqa: ARG002
        """A defect of ours. The page says that, and no more."""
        return self.message(messages.refused(500))

    async def gone(self, request: Request, error: Exception) -> Response:  # noqa: ARG002
        """The client hung up before its form was complete: nobody sees this."""
        assert isinstance(error, ClientDisconnect)
        return Response(status_code=400)

    def message(self, message: Message, headers: dict[str, str] | Any = None) -> Response:
        """A page with one question or one answer."""
        shown = {
            "title": message.title,
            "paragraphs": message.paragraphs,
            "links": message.links,
            "button": message.button,
            "address": message.address,
            "hidden": message.hidden,
        }
        template = "button.html.j2" if message.button else "message.html.j2"
        retry = {"Retry-After": str(message.retry)} if message.retry else {}
        return self._html(template, message.status, {**(headers or {}), **retry}, **shown)

    # parts

    @property
    def _key(self) -> bytes:
        return self._desk.keys.derive("suppression")

    @property
    def _words(self) -> Words:
        """What the form says, in the language of the site."""
        return consent_words(self._desk.config.settings, self._desk.config.brand.name)

    def _form(self, filled: Form, *, note: str = "", wrong: dict[str, str] | None = None) -> Response:
        desk = self._desk
        return self._html(
            "subscribe.html.j2",
            422 if wrong else 200,
            title=_("Subscribe"),
            form=filled,
            note=note,
            errors=wrong or {},
            wrong={"email": "", "fifteen": "", "parent": ""} | (wrong or {}),
            towns=desk.config.towns,
            audiences=desk.audiences,
            asks_age=self._question is Question.FIFTEEN,
            stamp=desk.stamps.make(desk.clock()),
            consent=self._words.sentences,
        )

    def _html(self, template: str, status: int = 200, headers: dict[str, str] | None = None, **values: Any) -> Response:
        page = self._desk.page(template, **values)
        return Response(page, status, {**_PRIVATE, **(headers or {})}, media_type="text/html")

    def _reader(self, request: Request) -> int | None:
        return self._desk.subscriber(Purpose.PREFERENCES, request.path_params["token"])

    def _client(self, request: Request) -> str:
        peer = request.client.host if request.client else ""
        return self._desk.proxies.client(peer, request.headers.getlist("x-forwarded-for"))

    async def _fields(self, request: Request) -> dict[str, list[str]]:
        body = await request.body()
        kind = request.headers.get("content-type", "application/x-www-form-urlencoded").partition(";")[0]
        try:
            if body and kind.strip().lower() != "application/x-www-form-urlencoded":
                raise ValueError(kind)
            return fields.read(body)
        except ValueError:
            raise HTTPException(400) from None
