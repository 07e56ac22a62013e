"""OpenTelemetry: one trace from the request to the effect, whichever processes lie in between.

An extra (requirements-observability.txt), and off without OTEL_EXPORTER_OTLP_ENDPOINT: then nothing
of it is imported. The link between request and effect is the message's `traceparent`, a column; so
the trace survives whatever the job survives.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse

from config import carried, process
from outbox import context
from outbox.models import Message

MOST_LINKS = 50
"""Links of one batch's span to the traces of its messages."""


def start() -> None:
    """Send spans from this process, if it was asked for. Raises ImproperlyConfigured without the
    extra.
    """
    if not settings.TRACES_ENDPOINT:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as missing:
        raise ImproperlyConfigured(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, and OpenTelemetry is not installed: "
            "pip install --require-hashes -r requirements-observability.txt"
        ) from missing
    follow(BatchSpanProcessor(OTLPSpanExporter()))


def follow(processor: Any) -> Any:
    """Make spans, and hand them to this processor. Returns the provider, to shut down."""
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    resource = Resource.create({"service.name": "onceproof", "process.name": process.name()})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("onceproof")

    def traceparent() -> str:
        current = trace.get_current_span().get_span_context()
        if not current.is_valid:
            return ""
        return f"00-{current.trace_id:032x}-{current.span_id:016x}-{current.trace_flags:02x}"

    @contextmanager
    def around(handler: str, messages: Sequence[Message]) -> Iterator[object]:
        span = tracer.start_as_current_span(handler, **_run(handler, messages))
        with carried.around_effect(handler, messages), span as current:
            yield current

    global _tracer
    _tracer = tracer
    context.set_tracer(traceparent)
    context.set_around(around)
    return provider


def stop() -> None:
    """Make no more spans."""
    global _tracer
    _tracer = None
    context.set_tracer(str)
    context.set_around(carried.around_effect)


_tracer: Any = None


def request_spans(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Middleware: a span for every request, in the trace that it came with, if it did."""

    def respond(request: HttpRequest) -> HttpResponse:
        if _tracer is None:
            return get_response(request)
        parent = _parent(request.headers.get("traceparent", ""))
        with _tracer.start_as_current_span(f"{request.method}", context=parent) as span:
            response = get_response(request)
            route = request.resolver_match.route if request.resolver_match else "unknown"
            span.update_name(f"{request.method} /{route}")
            span.set_attribute("http.response.status_code", response.status_code)
        return response

    return respond


def _run(handler: str, messages: Sequence[Message]) -> dict[str, Any]:
    """One message continues its trace; a batch is a trace of its own, linked to those of all."""
    from opentelemetry import trace

    attributes = {
        "messaging.system": "outbox",
        "messaging.operation.type": "process",
        "messaging.destination.name": handler,
        "messaging.batch.message_count": len(messages),
    }
    if len(messages) != 1:
        spans = (_span_context(one.traceparent) for one in messages[:MOST_LINKS])
        links = [trace.Link(span) for span in spans if span]
        return {"attributes": attributes, "links": links, "kind": trace.SpanKind.CONSUMER}
    (message,) = messages
    attributes |= {
        "messaging.message.id": str(message.pk),
        "outbox.operation_id": str(message.operation_id),
        "outbox.attempt": message.attempts + 1,
    }
    parent = _parent(message.traceparent)
    return {"context": parent, "attributes": attributes, "kind": trace.SpanKind.CONSUMER}


def _parent(traceparent: str) -> Any:
    from opentelemetry import trace

    span = _span_context(traceparent)
    # An empty context, and not the current one: a run is nobody's child but its request's.
    empty = trace.set_span_in_context(trace.INVALID_SPAN)
    return trace.set_span_in_context(trace.NonRecordingSpan(span)) if span else empty


def _span_context(traceparent: str) -> Any:
    from opentelemetry import trace

    if not context.TRACEPARENT.fullmatch(traceparent):
        return None
    _, trace_id, span_id, _ = traceparent.split("-")
    return trace.SpanContext(
        trace_id=int(trace_id, 16),
        span_id=int(span_id, 16),
        is_remote=True,
        # What was made outside of any recorded trace is recorded from here on all the same.
        trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
    )
