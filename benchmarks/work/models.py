"""Django's view of schema.sql. Other languages use the same tables."""

from django.db import models
from django.db.models.functions import Now


class Account(models.Model):
    """A community's credits, never below zero."""

    id = models.IntegerField(primary_key=True)
    credits = models.IntegerField()

    objects: models.Manager["Account"] = models.Manager()

    class Meta:
        app_label = "work"
        managed = False
        db_table = "work_account"

    def __str__(self) -> str:
        return f"{self.pk}: {self.credits}"


class Request(models.Model):
    """The business row whose transaction enqueues the job."""

    id = models.UUIDField(primary_key=True)
    account_id = models.IntegerField()

    objects: models.Manager["Request"] = models.Manager()

    class Meta:
        app_label = "work"
        managed = False
        db_table = "work_request"

    def __str__(self) -> str:
        return str(self.pk)


class Entry(models.Model):
    """One ledger entry for each job: -1, or 0 where no credit was left."""

    id = models.BigAutoField(primary_key=True)
    operation = models.UUIDField()
    account_id = models.IntegerField()
    amount = models.IntegerField()
    at = models.DateTimeField(db_default=Now())

    objects: models.Manager["Entry"] = models.Manager()

    class Meta:
        app_label = "work"
        managed = False
        db_table = "work_entry"

    def __str__(self) -> str:
        return f"{self.operation}: {self.amount}"
