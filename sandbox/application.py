"""From request to reply: faults, credentials, effect. What every provider has in common."""

import time
from collections.abc import Iterable

from sandbox import misbehaviour
from sandbox.credentials import Credentials
from sandbox.misbehaviour import Faults
from sandbox.payments.provider import Payments
from sandbox.shipping import Shipping
from sandbox.sms.provider import Sms
from sandbox.store import Store
from sandbox.web import Call, ConnectionCut, Provider, Refusal, Request, Response, Route


class Application:
    """The three providers behind one address, told apart by the beginning of the path."""

    def __init__(self, *, store: Store, credentials: Credentials, seed: str) -> None:
        self._store = store
        self._credentials = credentials
        self._seed = seed
        self._providers: Iterable[Provider] = (Sms(), Payments(), Shipping())

    def answer(self, request: Request) -> Response:
        """Carry out one request. Raises ConnectionCut where the client is to hear nothing."""
        if request.path == "/healthz":
            return self._health()
        for provider in self._providers:
            if request.path.startswith(provider.prefix):
                return self._ask(provider, request)
        return Response(404, {"error": f"no provider at {request.path}"})

    def _health(self) -> Response:
        with self._store.snapshot() as db:
            db.execute("SELECT 1")
        return Response(200, {"status": "ok"})

    def _ask(self, provider: Provider, request: Request) -> Response:
        found = provider.find(request)
        if found is None:
            return provider.failure("unknown_path")
        route, values = found
        faults = self._draw(provider, route)
        if "outage" in faults:
            self._note_end(faults)
            raise ConnectionCut
        try:
            response = self._carry_out(provider, request, route, values, faults)
        except Refusal as refusal:
            response = refusal.response
        finally:
            self._note_end(faults)
        if "reply_lost" in faults:
            raise ConnectionCut
        return response

    def _draw(self, provider: Provider, route: Route) -> Faults:
        with self._store.transaction() as db:
            return misbehaviour.draw(
                db, seed=self._seed, provider=provider.name, operation=route.operation
            )

    def _note_end(self, faults: Faults) -> None:
        with self._store.transaction() as db:
            misbehaviour.note_end(db, faults)

    def _carry_out(
        self,
        provider: Provider,
        request: Request,
        route: Route,
        values: dict[str, str],
        faults: Faults,
    ) -> Response:
        provider.authenticate(request, self._credentials)
        if "rate_limited" in faults:
            return provider.failure("rate_limited")
        with provider.admit(request):
            time.sleep(faults.wait_before)
            with self._store.transaction() as db:
                call = Call(request, db, faults, self._credentials, time.time())
                response = provider.carry_out(call, lambda: _effect(provider, route, values, call))
            time.sleep(faults.wait_after)
            return response


def _effect(provider: Provider, route: Route, values: dict[str, str], call: Call) -> Response:
    if "refused" in call.faults:
        raise Refusal(provider.failure("refused"))
    if "error_before" in call.faults:
        return provider.failure("broken")
    response = route.handler(call, **values)
    return provider.failure("broken") if "error_after" in call.faults else response
