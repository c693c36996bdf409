from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.utils import timezone

from company.models import Address, ContactPerson
from company.rows import insert_missing, insert_rows, insert_values, update_rows, update_values
from mailstore.models import StoredMessage
from tests.factories import make_account
from tickets.models import ThreadId, Ticket

pytestmark = pytest.mark.django_db


def make_message(number: int, **values: object) -> StoredMessage:
    return StoredMessage(
        **{
            "sha256": f"{number:064}",
            "size": 1,
            "direction": StoredMessage.Direction.INCOMING,
            "message_id": f"{number}@huber.example",
            "message_id_hash": "0" * 40,
            "people": {"from": [["Müller „A“ % %s", "a@b.example"]]},
            "received_at": timezone.now(),
            "has_html": True,
            "text": "100 % \\ 'quoted' %(x)s",
            **values,
        }
    )


def test_rows_are_stored_as_they_are_and_know_their_keys() -> None:
    rows = [make_message(number) for number in range(1100)]
    insert_rows(rows)

    stored = {row.pk: row for row in StoredMessage.objects.all()}
    assert [stored[row.pk].sha256 for row in rows] == [row.sha256 for row in rows]
    one = stored[rows[700].pk]
    assert one.direction == "in"
    assert (one.people, one.text, one.has_html) == (rows[0].people, rows[0].text, True)
    assert (one.date, one.received_at) == (None, rows[700].received_at)
    rows[0].subject = "geändert"
    rows[0].save(update_fields=["subject"])  # an UPDATE: it counts as saved
    assert StoredMessage.objects.count() == 1100


def test_a_second_row_is_refused_and_a_missing_one_inserted() -> None:
    first, same, new = make_message(1), make_message(1, subject="anders"), make_message(2)
    insert_rows([first])

    with pytest.raises(IntegrityError):  # noqa: SIM117 - mypy takes them together for an end
        with transaction.atomic():
            insert_rows([same])
    assert insert_missing([same, new], unique="sha256") == [new]
    assert new.pk == StoredMessage.objects.get(sha256=new.sha256).pk
    assert same._state.adding
    assert not StoredMessage.objects.exclude(subject="").exists()


def test_rows_refer_to_rows_that_got_their_key_in_between_but_not_to_unsaved_ones() -> None:
    address = Address(number="1", name="Huber")
    contact = ContactPerson(address=address, name="Hans")
    with pytest.raises(ValueError, match="not saved"):
        insert_rows([contact])
    insert_rows([address])
    insert_rows([contact])
    assert ContactPerson.objects.get().address == address
    assert timezone.now() - Address.objects.get().created_at < timedelta(minutes=1)


def test_values_are_inserted_without_instances_and_set_where_they_are_there() -> None:
    account = make_account()
    ticket = Ticket(
        number="1", account=account, last_message_at=timezone.now(), created_at=timezone.now()
    )
    insert_rows([ticket])
    fields = ("ticket", "message_id_hash", "account", "is_seen")
    rows = [(ticket.pk, f"{number} % %s \\", account.pk, False) for number in range(300)]
    insert_values(ThreadId, fields, rows[:2])
    insert_values(ThreadId, fields, [(*row[:3], True) for row in rows])
    insert_values(ThreadId, fields, [])

    seen = dict(ThreadId.objects.values_list("message_id_hash", "is_seen"))
    assert seen == {row[1]: index > 1 for index, row in enumerate(rows)}
    again = [(*row[:2], None, True) for row in rows[:1]]
    insert_values(ThreadId, fields, again, unique=fields[:2], update="is_seen")
    row = ThreadId.objects.get(message_id_hash=rows[0][1])
    assert (row.is_seen, row.account) == (True, account)


def test_of_known_rows_only_the_named_columns_change() -> None:
    rows = [make_message(number) for number in range(3)]
    insert_rows(rows)
    moment = timezone.now() - timedelta(days=3)
    for row in rows[:2]:
        row.subject, row.text, row.date, row.people = "neu", "neu", moment, {"to": ["%s"]}
    update_rows(rows[:2], update=["subject", "date", "people"])
    update_rows([], update=["subject"])

    changed, other, untouched = StoredMessage.objects.order_by("pk")
    assert changed.subject == other.subject == "neu"
    assert (changed.date, changed.people, changed.text) == (
        moment,
        {"to": ["%s"]},
        make_message(0).text,
    )
    assert (untouched.subject, untouched.date) == ("", None)


def test_each_row_gets_its_own_values_if_it_fulfils_the_conditions() -> None:
    rows = [make_message(number, size=number) for number in range(600)]
    insert_rows(rows)
    told = [(f"Betreff „{row.size}“ %s", row.pk, row.sha256) for row in rows[:-1]]
    told.append(("fremd", rows[-1].pk, "another"))

    changed = update_values(
        StoredMessage,
        ("subject",),
        told,
        where=("sha256",),
        also="size >= %s AND direction = 'in'",
        values=(300,),
    )
    assert changed == {row.pk for row in rows[300:-1]}
    subjects = dict(StoredMessage.objects.exclude(subject="").values_list("pk", "subject"))
    assert subjects == {row.pk: f"Betreff „{row.size}“ %s" for row in rows[300:-1]}
    assert update_values(StoredMessage, ("subject",), []) == set()


def test_text_that_is_too_long_is_never_cut() -> None:
    row = make_message(1)
    insert_rows([row])
    try:
        with transaction.atomic():
            update_values(StoredMessage, ("preview",), [("x" * 201, row.pk)])
    except DataError:
        assert connection.vendor == "postgresql"  # which knows lengths
    row.refresh_from_db()
    assert len(row.preview) in (0, 201)
