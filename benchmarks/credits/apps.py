"""The provider that accepts at once, in every process of the benchmark."""

from uuid import uuid4

from django.apps import AppConfig


class CreditBenchmark(AppConfig):
    """Puts it in the place of the call to the provider."""

    name = "benchmarks.credits"
    label = "credit_benchmark"

    def ready(self) -> None:
        """From here on no text leaves the house."""
        from credits import providers

        def accept(*, to: str, body: str, callback: str) -> providers.Outcome:
            return providers.Accepted(f"SM{uuid4().hex}")

        providers.send = accept
