"""Telephone numbers: checked and normalised once, at the door. Inside, all are E.164."""

import phonenumbers
from django.conf import settings
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

NEVER = {PhoneNumberType.PREMIUM_RATE: "a premium-rate number", PhoneNumberType.PAGER: "a pager"}


def normalise(written: object) -> str:
    """The number in E.164, such as "+4915112345678". Raises ValueError, which says what to do."""
    text = str(written).strip()
    shown = ascii(text)[:40]
    try:
        number = phonenumbers.parse(text, None)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            raise ValueError(
                f"{shown} has no country; write it with its country code, such as +49 151 …."
            ) from None
        raise ValueError(
            f"{shown} is no telephone number; write it such as +49 151 12345678."
        ) from None
    if not phonenumbers.is_valid_number(number):
        raise ValueError(f"{shown} is in use nowhere; check its digits.")
    _refuse_where_not_allowed(number, shown)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _refuse_where_not_allowed(number: phonenumbers.PhoneNumber, shown: str) -> None:
    country = phonenumbers.region_code_for_number(number)
    if country not in settings.TEXTS.countries:
        allowed = ", ".join(settings.TEXTS.countries)
        raise ValueError(f"{shown} belongs to {country}; texts go to {allowed} only.")
    if kind := NEVER.get(phonenumbers.number_type(number)):
        raise ValueError(f"{shown} is {kind}; it is not texted.")
