from django.apps import AppConfig


class PoststelleConfig(AppConfig):
    name = "poststelle"

    def ready(self) -> None:
        from poststelle import checks  # noqa: F401  # registers the system checks
