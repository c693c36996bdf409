"""E-mail accounts: settings, secrets, the one seam to servers, sender and signature choice."""
