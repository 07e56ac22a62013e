"""What every operation of the API has in common, added to its OpenAPI description in one place.

Routers describe what is theirs: bodies and answers. Which refusals there are, their one shape, and
the key that every POST needs are the frame's, so the frame tells them.
"""

from typing import Any

from outbox.idempotent_http import LONGEST_KEY

ERROR_SCHEMA: dict[str, Any] = {
    "title": "Error",
    "description": "The one shape of every refusal; an operation may have one that says more.",
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "examples": ["invalid"]},
                "message": {"type": "string", "description": "What was wrong and what to do."},
                "fields": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        }
    },
}
ALWAYS = {
    400: "The request cannot be read.",
    401: "There is no valid token.",
    403: "The role does not allow it.",
    404: "There is no such thing.",
    422: "Something in it is invalid. Nothing was changed.",
    429: "Too many requests: come again after Retry-After seconds.",
}
FOR_POST = {
    409: "It cannot be done now, or the key's first request is still running.",
    413: "The body is too large.",
}
KEY_PARAMETER: dict[str, Any] = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "description": "The same key and body replay the stored answer.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": LONGEST_KEY,
        "pattern": r"^[!-~]([ -~]*[!-~])?$",
    },
}


def complete(schema: dict[str, Any]) -> None:
    """Add to ninja's description, in place, what it cannot know."""
    schema.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR_SCHEMA
    for methods in schema["paths"].values():
        for method, operation in methods.items():
            _add_refusals(operation, ALWAYS | (FOR_POST if method == "post" else {}))
            if method == "post":
                _add_key(operation)


def _add_refusals(operation: dict[str, Any], refusals: dict[int, str]) -> None:
    """What an operation says of a refusal of its own stands beside the common shape."""
    for status, description in refusals.items():
        shape: dict[str, Any] = {"$ref": "#/components/schemas/Error"}
        if own := operation["responses"].get(status):
            shape = {"anyOf": [shape, own["content"]["application/json"]["schema"]]}
        content = {"application/json": {"schema": shape}}
        operation["responses"][status] = {"description": description, "content": content}


def _add_key(operation: dict[str, Any]) -> None:
    """The key, and that whoever sends it again gets the stored answer with 200."""
    others = [one for one in operation.get("parameters", []) if one["name"] != "Idempotency-Key"]
    operation["parameters"] = [*others, KEY_PARAMETER]
    if made := operation["responses"].get(201):
        replayed = {**made, "description": "The stored answer of an earlier request."}
        operation["responses"].setdefault(200, replayed)
