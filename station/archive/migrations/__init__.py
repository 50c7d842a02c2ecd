"""How the catalogue came to its present form. A new step: `alembic revision`, then the models' change."""
