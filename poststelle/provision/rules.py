"""Conditions and tags of `[[rules]]`: they hang on the rule and are set as a whole."""

from __future__ import annotations

from django.utils.translation import gettext as _

from poststelle.provision.read import Entry, ProvisionError, Value
from tickets.change import clean_tags, take_tag
from tickets.models import Rule, RuleCondition
from tickets.rules import next_order

_KEYS = {"field", "operator", "value", "header"}


def set_rule_parts(entry: Entry, rule: Rule) -> list[tuple[str, str, str]]:
    """Sets what the file names and returns the differences as (key, before, after).

    A rule without a place becomes the last. Raises ProvisionError.
    """
    changes = []
    if not rule.order:
        rule.order = next_order()
        rule.save(update_fields=["order"])
    if "conditions" in entry.values:
        before = list(rule.conditions.all())
        wanted = [_condition(entry, rule, one) for one in _listed(entry, "conditions")]
        if [str(one) for one in before] != [str(one) for one in wanted]:
            rule.conditions.all().delete()
            RuleCondition.objects.bulk_create(wanted)
            changes.append(("conditions", _shown(before), _shown(wanted)))
    if "tags" in entry.values:
        names = clean_tags(str(name) for name in _listed(entry, "tags"))
        present = sorted(rule.tags.values_list("name", flat=True))
        if {name.casefold() for name in present} != {name.casefold() for name in names}:
            rule.tags.set([take_tag(name) for name in names])
            changes.append(("tags", _shown(present), _shown(sorted(names))))
    return changes


def _condition(entry: Entry, rule: Rule, value: Value) -> RuleCondition:
    given = value if isinstance(value, dict) else {}
    field = str(given.get("field", ""))
    operator = str(given.get("operator", RuleCondition.Operator.CONTAINS))
    is_header = field == RuleCondition.Field.HEADER
    if (
        field not in RuleCondition.Field.values
        or operator not in RuleCondition.Operator.values
        or not given.get("value")
        or not set(given) <= _KEYS
        or is_header != bool(given.get("header"))
    ):
        text = _('erwartet wird {field = "sender", operator = "contains", value = "…"}.')
        raise _error(entry, "conditions", text)
    header = str(given.get("header", ""))[:80]
    words = str(given["value"])[:300]
    return RuleCondition(rule=rule, field=field, operator=operator, value=words, header=header)


def _listed(entry: Entry, key: str) -> list[Value]:
    values = entry.values[key]
    if not isinstance(values, list):
        raise _error(entry, key, _("hier wird eine Liste erwartet: [ … ]."))
    return values


def _error(entry: Entry, key: str, reason: str) -> ProvisionError:
    return ProvisionError(entry.line_of(key), f"{entry.block.name}.{key}", reason)


def _shown(values: list[RuleCondition] | list[str]) -> str:
    return ", ".join(str(value) for value in values)
