"""The words of `manage.py sandbox …` and `python -m sandbox …`."""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox import home, knobs
from sandbox.control import PROVIDERS, Control
from sandbox.misbehaviour import KINDS, ON_DEMAND

DEFAULT_PORT = 18111


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the commands on a parser."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="run the stand-ins, on loopback only")
    default_port = int(os.environ.get("SANDBOX_PORT") or DEFAULT_PORT)
    serve.add_argument("--port", type=int, default=default_port, help="0: a free one")
    log = commands.add_parser("log", help="what a provider really did")
    log.add_argument("provider", choices=PROVIDERS)
    log.add_argument("--json", action="store_true", help="one JSON document and nothing else")
    misbehave = commands.add_parser("misbehave", help="switch faults on, show them, or reset")
    misbehave.add_argument("provider", choices=PROVIDERS)
    misbehave.add_argument("kind", nargs="?", choices=(*KINDS, "reset"))
    misbehave.add_argument("percent", nargs="?", type=int)
    reset = commands.add_parser("reset", help="end the misbehaviour of one provider or of all")
    reset.add_argument("provider", nargs="?", choices=PROVIDERS)
    force = commands.add_parser("force", help="let the next requests meet a fault for certain")
    force.add_argument("provider", choices=PROVIDERS)
    force.add_argument("kind", choices=KINDS + ON_DEMAND)
    force.add_argument("--times", type=int, default=1)
    force.add_argument("--operation", help="only requests of this kind, such as create")
    force.add_argument("--seconds", type=float, help="for slow: how long in all")
    force.add_argument("--point", type=float, help="for slow: effect at 0 (start) to 1 (end)")
    number = commands.add_parser("number", help="let texts to a number meet a Twilio error")
    number.add_argument("number")
    number.add_argument("code", type=int)
    knob = commands.add_parser("knob", help="turn a knob: " + ", ".join(knobs.DEFAULTS))
    knob.add_argument("name", choices=knobs.DEFAULTS)
    knob.add_argument("value")


def run(options: Mapping[str, Any]) -> None:
    """Carry out one command. Raises ValueError with a message for the user."""
    if options["action"] == "serve":
        from sandbox import server  # not needed by the others

        server.serve(home=home.find(), port=options["port"])
        return
    control = Control()
    try:
        COMMANDS[options["action"]](control, options)
    finally:
        control.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m sandbox`: the same without Django."""
    parser = argparse.ArgumentParser(prog="python -m sandbox")
    add_arguments(parser)
    try:
        run(vars(parser.parse_args(arguments)))
    except ValueError as mistake:
        parser.error(str(mistake))


def _log(control: Control, options: Mapping[str, Any]) -> None:
    entries = control.log(options["provider"])
    if options["json"]:
        _say(json.dumps(entries))
        return
    for entry in entries:
        _say("  ".join(f"{name}={value}" for name, value in entry.items()))
    _say(f"{len(entries)} in the log of {options['provider']}")


def _misbehave(control: Control, options: Mapping[str, Any]) -> None:
    provider, kind, percent = options["provider"], options["kind"], options["percent"]
    if kind == "reset":
        control.reset(provider)
    elif kind is not None:
        if percent is None:
            raise ValueError(f"say a percentage: misbehave {provider} {kind} PERCENT")
        control.misbehave(provider, kind, percent)
    _show(control, provider)


def _show(control: Control, provider: str) -> None:
    kinds = control.behaviour(provider)
    _say(f"{provider}: " + (", ".join(f"{k} {p} %" for k, p in kinds.items()) or "behaves well"))


def _reset(control: Control, options: Mapping[str, Any]) -> None:
    control.reset(options["provider"])
    for provider in PROVIDERS:
        _show(control, provider)


def _force(control: Control, options: Mapping[str, Any]) -> None:
    names = ("times", "operation", "seconds", "point")
    control.force(options["provider"], options["kind"], **{name: options[name] for name in names})


def _number(control: Control, options: Mapping[str, Any]) -> None:
    control.answer_number(options["number"], options["code"])


def _knob(control: Control, options: Mapping[str, Any]) -> None:
    control.turn(options["name"], options["value"])


COMMANDS = {
    "log": _log,
    "misbehave": _misbehave,
    "reset": _reset,
    "force": _force,
    "number": _number,
    "knob": _knob,
}


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
