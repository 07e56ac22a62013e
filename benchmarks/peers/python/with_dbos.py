"""DBOS: durable workflows in PostgreSQL; the effect is a transactional step, recorded with it."""

import os
import sys
import threading
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, SQLAlchemyDatasource

URL = os.environ["DATABASE_URL"].replace("postgres://", "postgresql+psycopg://", 1)
QUEUE = "peer"
EFFECT = sa.text(
    """
    WITH paid AS (
        UPDATE work_account SET credits = credits - 1
        WHERE id = :account AND credits > 0 RETURNING id
    )
    INSERT INTO work_entry (operation, account_id, amount)
    SELECT CAST(:operation AS uuid), :account, -(SELECT count(*) FROM paid)
    """
)
source = SQLAlchemyDatasource.create(URL)


@source.transaction(isolation_level="READ COMMITTED")  # type: ignore[untyped-decorator]
def effect(operation: str, account_id: int) -> None:
    source.sql_session().execute(EFFECT, {"operation": operation, "account": account_id})


@DBOS.workflow(name="deduct")  # type: ignore[untyped-decorator]
def deduct(operation: str, account_id: int) -> None:
    effect(operation, account_id)


def feed(jobs: list[dict[str, Any]]) -> None:
    client = DBOSClient(system_database_url=URL)
    engine = sa.create_engine(URL)
    with engine.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO work_request VALUES (CAST(:operation AS uuid), :account_id)"), jobs
        )
        for job in jobs:
            options = {"queue_name": QUEUE, "workflow_name": "deduct"}
            client.enqueue_in_transaction(connection, options, job["operation"], job["account_id"])


if __name__ == "__main__":
    DBOS(config={"name": "peer", "system_database_url": URL, "log_level": "ERROR"})
    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=20, polling_interval_sec=0.1)
    if sys.argv[1:] == ["migrate"]:  # its tables are made when it starts
        DBOS.destroy()
    else:
        threading.Event().wait()
