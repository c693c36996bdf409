"""What the demo's company has beside mail: its settings, customers and a few documents."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings

from company.models import Address, Project, User
from company.take_number import take_number
from documents.models import Document, DocumentKind, Position
from poststelle.demo.correspondence import add_correspondence
from poststelle.provision.apply import apply_entries
from poststelle.provision.read import read_file

_DOCUMENTS = (
    # kind, address, project, state, positions (article, text, quantity, price)
    (
        "rechnung",
        "10002",
        "SHOP",
        "freigegeben",
        (
            ("700012", "Aktenordner A4 grau, Rückenbreite 80 mm", "40", "2.35"),
            ("700044", "Rollcontainer „Nordlicht“, 3 Schübe, abschließbar", "2", "189.00"),
            ("V-DHL", "Versandkosten", "1", "9.90"),
        ),
    ),
    (
        "rechnung",
        "10001",
        "SHOP",
        "angelegt",
        (("700051", "Schreibtisch 160 × 80 cm, höhenverstellbar", "8", "429.00"),),
    ),
    (
        "angebot",
        "10003",
        "NORD",
        "freigegeben",
        (
            ("700077", "Office chair “Comfort”, black", "20", "214.50"),
            ("700078", "Armrests, pair", "20", "28.00"),
        ),
    ),
    (
        "lieferschein",
        "10002",
        "SHOP",
        "freigegeben",
        (("700012", "Aktenordner A4 grau, Rückenbreite 80 mm", "30", "0"),),
    ),
)


def set_up_company(*, imap_port: int, smtp_port: int) -> None:
    """Brings the demo's settings up to date (ports change); repeatable."""
    template = (Path(__file__).parent / "company.toml").read_text(encoding="utf-8")
    print_folder = settings.DATA_DIR / "druck"
    print_folder.mkdir(parents=True, exist_ok=True)
    text = template.replace("{imap_port}", str(imap_port)).replace("{smtp_port}", str(smtp_port))
    text = text.replace("{print_folder}", str(print_folder))
    with NamedTemporaryFile("w", suffix=".toml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        apply_entries(read_file(Path(file.name)))
    if not Document.objects.exists():
        _add_documents()
    add_correspondence()


def _add_documents() -> None:
    author = User.objects.get(username="max")
    for key, address_number, project, state, positions in _DOCUMENTS:
        kind = DocumentKind.objects.get(key=key)
        address = Address.objects.get(number=address_number)
        document = Document.objects.create(
            kind=kind,
            number=str(take_number(f"document-{kind.key}", first=kind.first_number)),
            address=address,
            contact=address.contacts.first(),
            project=Project.objects.get(code=project),
            state=state,
            created_by=author,
        )
        Position.objects.bulk_create(
            Position(
                document=document,
                order=order,
                article=article,
                text=text,
                quantity=Decimal(quantity),
                price=Decimal(price),
            )
            for order, (article, text, quantity, price) in enumerate(positions)
        )
