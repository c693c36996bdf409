from django.urls import path

from documents.views import delivery, dispatching, editing, listing, showing

app_name = "documents"
urlpatterns = [
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
    path("<int:pk>/abschicken/ergebnis/<slug:press>/", dispatching.show_results, name="results"),
]
