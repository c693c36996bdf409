"""Base data: users, employees, projects, queues, addresses, Grundeinstellungen."""
