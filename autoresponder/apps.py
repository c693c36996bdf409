from django.apps import AppConfig


class AutoresponderConfig(AppConfig):
    name = "autoresponder"
