"""Run by Alembic for every command; the connection is handed in by `station.archive.schema`."""

from alembic import context

from station.archive.models import Base
from station.archive.schema import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
