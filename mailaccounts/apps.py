from django.apps import AppConfig


class MailaccountsConfig(AppConfig):
    name = "mailaccounts"
