from django.urls import include, path

from company.section_urls import section_urls
from documents.sections import SECTIONS
from documents.views import (
    base_data,
    delivery,
    dispatching,
    editing,
    files,
    listing,
    printing,
    showing,
)

app_name = "documents"
_of_documents = [
    path("", listing.list_documents, name="list"),
    path("neu/<slug:kind>/", editing.create_document, name="create"),
    path("summen/", editing.show_totals, name="totals"),
    path("adressen/", editing.address_suggestions, name="address_suggestions"),
    path("ansprechpartner/", editing.contact_options, name="contact_options"),
    path("versandvorgaben/<int:pk>/", delivery.edit_preferences, name="delivery"),
    path("<int:pk>/", showing.show_document, name="detail"),
    path("<int:pk>/bearbeiten/", editing.edit_document, name="edit"),
    path("<int:pk>/pdf/", showing.show_pdf, name="pdf"),
    path("<int:pk>/freigeben/", showing.release_document, name="release"),
    path("<int:pk>/freigabe-zuruecknehmen/", showing.withdraw_document, name="withdraw"),
    path("<int:pk>/versand/", showing.show_history, name="history"),
    path("<int:pk>/abschicken/", dispatching.dispatch_document, name="dispatch"),
    path("<int:pk>/abschicken/vorschau/", dispatching.preview_dispatch, name="preview"),
    path("<int:pk>/abschicken/signatur/", dispatching.show_signature, name="signature"),
    path("<int:pk>/abschicken/vorlage/", dispatching.load_template, name="load_template"),
    path("<int:pk>/abschicken/dateien/", dispatching.add_files, name="dispatch_files"),
    path(
        "<int:pk>/abschicken/korrigieren/<slug:press>/", dispatching.repair_dispatch, name="repair"
    ),
    path("<int:pk>/abschicken/rueckgaengig/<slug:press>/", dispatching.undo_dispatch, name="undo"),
    path("<int:pk>/dateien/", files.attach_files, name="attach"),
    path("datei/<int:pk>/", files.show_file, name="file"),
    path("datei/<int:pk>/entfernen/", files.remove_file, name="remove_file"),
    path("vorlagendatei/<int:pk>/", files.show_template_file, name="template_file"),
    path("<int:pk>/versand/<int:job>/pdf/", printing.show_sent_pdf, name="sent_pdf"),
    path("<int:pk>/versand/<int:job>/erneut/", printing.print_job_again, name="print_again"),
    path("<int:pk>/versand/<int:job>/gedruckt/", printing.confirm_job, name="confirm_printed"),
    path("<int:pk>/versand/<int:job>/herunterladen/", printing.download_job, name="download_job"),
    path("<int:pk>/abschicken/ergebnis/<slug:press>/", dispatching.show_results, name="results"),
]

urlpatterns = [
    path("belege/", include(_of_documents)),
    path("drucker/<int:pk>/testseite/", base_data.test_printer, name="printer_test"),
    path("vorlagen/vorschau/", base_data.show_template_preview, name="template_preview"),
    *section_urls(SECTIONS),
]
