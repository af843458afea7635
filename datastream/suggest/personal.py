"""Tells which columns look like personal data, by their name or by a value: of those no value is ever shown.

It errs on the safe side: who wants the values of a column that only looks so adds the rule by hand.
"""

import re

import pyarrow.compute as pc

from datastream.suggest.columns import Column

_WORDS = frozenset({
    "email", "mail", "phone", "mobile", "tel", "telephone", "fax", "name", "firstname", "lastname", "surname",
    "forename", "fullname", "username", "user", "login", "nickname", "customer", "patient", "person", "contact",
    "recipient", "sender", "author", "owner", "employee", "address", "street", "zip", "zipcode", "postcode", "postal",
    "birth", "birthday", "birthdate", "dob", "gender", "sex", "ssn", "passport", "iban", "bic", "account", "card",
    "cardnumber", "cvv", "ip", "password", "passwd", "secret", "token", "salary", "diagnosis", "religion",
})  # fmt: skip
_VALUES = (
    r"[^@\s]+@[^@\s]+\.[^@\s]+|"  # an email address
    r"^(?:\+|00)[0-9][0-9 ()./-]{6,20}$|^\(?[0-9]{3}\)?[ .-][0-9]{3}[ .-][0-9]{4}$|"  # a telephone number
    r"^[0-9]{3}-[0-9]{2}-[0-9]{4}$|"  # a social security number
    r"^[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?$|"  # an IBAN
    r"^(?:[0-9]{4}[ -]?){3}[0-9]{4}$|"  # a card's number
    r"^(?:[0-9]{1,3}\.){3}[0-9]{1,3}$"  # an IP address
)
_LONGEST = 256
"""Longer texts are not looked into. No rule shows one."""


def looks_personal(column: Column) -> bool:
    """Tell whether the name speaks of a person, or a value reads like an address, a telephone number or an account."""
    if words(column.name) & _WORDS:
        return True
    if column.kind != "text" or column.lengths[1] > _LONGEST:
        return False
    return bool(pc.any(pc.match_substring_regex(column.present, _VALUES)).as_py())


def words(name: object) -> frozenset[str]:
    """Return the words of a column's name in lower case: `shipTo_Email` has three."""
    return frozenset(word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", str(name)))
