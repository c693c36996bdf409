from mailaccounts.models.account import AllowedSender, MailAccount, MailFolder
from mailaccounts.models.grant import OAuthGrant
from mailaccounts.models.link import AccountLink

__all__ = ["AccountLink", "AllowedSender", "MailAccount", "MailFolder", "OAuthGrant"]
