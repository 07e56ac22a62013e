"""Twilio's error bodies and the codes that the stand-in uses (twilio.com/docs/api/errors)."""

from sandbox.web import Refusal, Response

MESSAGES = {
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "Internal Server Error"),
    21211: (400, "Invalid 'To' Phone Number"),
    21212: (400, "Invalid From Number"),
    21408: (
        400,
        "Permission to send an SMS has not been enabled for the region of the 'To' number",
    ),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number or a Messaging Service is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number is not a valid, SMS-capable number of this account."),
    21609: (400, "The 'StatusCallback' URL is not a valid URL."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (400, "This 'From' number has exceeded the maximum number of queued messages"),
    21612: (400, "Message cannot be sent with the current combination of 'To' and 'From'"),
    21614: (400, "'To' number is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
}
# Why an accepted text did not arrive; told by callback and by fetching it.
DELIVERY = {
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
}
# Numbers of Twilio's test credentials page that stand for an error.
MAGIC_TO = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
MAGIC_FROM = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}


def reply(code: int) -> Response:
    """The error as Twilio words it."""
    status, message = MESSAGES[code]
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    return Response(
        status, {"code": code, "message": message, "more_info": more_info, "status": status}
    )


def refuse(code: int) -> Refusal:
    """The error, to be raised: nothing was sent."""
    return Refusal(reply(code))
