"""The desk's lists, pages and dialogs."""

from typing import Any

from django.db import models

from fulfillment.models import Job
from orders.models import Order
from profiles.models import Profile
from support.admin import acts_of_customers, acts_of_delivery, acts_of_orders
from support.admin.jobs import JobAdmin
from support.admin.orders import OrderAdmin
from support.admin.profiles import ProfileAdmin

# The dialogs register themselves as their modules load.
ACTS = (acts_of_delivery, acts_of_customers, acts_of_orders)

REGISTERED: list[tuple[type[models.Model], Any]] = [
    (Order, OrderAdmin),
    (Profile, ProfileAdmin),
    (Job, JobAdmin),
]
