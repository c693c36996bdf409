from company.models.address import Address, ContactPerson
from company.models.attempt import LoginAttempt
from company.models.bounced_email import BouncedEmail
from company.models.change import SettingsChange
from company.models.notification import Notification
from company.models.numbers import NumberRange
from company.models.organisation import Employee, Project, Queue
from company.models.second_factor import RecoveryCode, SecondFactor
from company.models.settings import CompanySettings
from company.models.user import User

__all__ = [
    "Address",
    "BouncedEmail",
    "CompanySettings",
    "ContactPerson",
    "Employee",
    "LoginAttempt",
    "Notification",
    "NumberRange",
    "Project",
    "Queue",
    "RecoveryCode",
    "SecondFactor",
    "SettingsChange",
    "User",
]
