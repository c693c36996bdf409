from mailaccounts.models.account import AllowedSender, MailAccount, MailFolder
from mailaccounts.models.grant import OAuthGrant
from mailaccounts.models.link import AccountLink
from mailaccounts.models.preferred_sender import PreferredSender
from mailaccounts.models.right import AccountRight

__all__ = [
    "AccountLink",
    "AccountRight",
    "AllowedSender",
    "MailAccount",
    "MailFolder",
    "OAuthGrant",
    "PreferredSender",
]
