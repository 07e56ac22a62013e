"""The providers misbehave: slow, refusing, failing after the effect, losing replies."""

from chaos.faults.site import Lasting, Site
from sandbox.control import PROVIDERS, Control
from sandbox.misbehaviour import KINDS

BAD_TIMES = 8.0  # seconds


def misbehave(site: Site) -> Lasting:
    """One provider, two to four kinds at once, each in 10 to 30 % of its requests."""
    provider = site.dice.choice(PROVIDERS)
    control = Control(site.stack.home / "sandbox")
    for kind in site.dice.sample(KINDS, site.dice.randint(2, 4)):
        control.misbehave(provider, kind, site.dice.randint(10, 30))

    def behave() -> None:
        control.reset(provider)
        control.close()

    return Lasting(site.seconds(BAD_TIMES), behave)
