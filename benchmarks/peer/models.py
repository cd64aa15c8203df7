"""The peer's one table: an order of seven columns, as a plain back-office would keep it."""

from django.db import models


class Order(models.Model):
    number = models.CharField(max_length=64, unique=True)
    email = models.CharField(max_length=254)
    phone = models.CharField(max_length=32)
    total = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=16)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.number
