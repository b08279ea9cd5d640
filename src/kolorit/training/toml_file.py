"""Tables as TOML text: what a model's card is written with."""

from __future__ import annotations

import json
import re
from typing import Any


def toml(table: dict[str, Any], name: str = "") -> str:
    """A table as TOML text: plain values first, then the tables inside it.

    Values: text, numbers, true, false, lists, tables. name: that of the table, within a file.
    """
    inside = {key: value for key, value in table.items() if isinstance(value, dict)}
    plain = [f"{_key(k)} = {_value(v)}" for k, v in table.items() if k not in inside]
    head = [f"[{name}]"] if name and (plain or not inside) else []
    parts = ["\n".join(head + plain) + "\n"] if head or plain else []
    for key, value in inside.items():
        parts.append(toml(value, f"{name}.{_key(key)}" if name else _key(key)))
    return "\n".join(parts)


def _key(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, float):
        return repr(value)  # "inf" and "nan" too are as TOML has them
    assert value is not None  # TOML has no word for it
    # JSON's text, numbers and booleans are TOML's, but for the DEL that only TOML escapes.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
