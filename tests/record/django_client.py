"""The Django side of clients/django.py: a process of its own, since Django's settings are global."""

import io
import json
import os

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection, models, transaction


def step(label, note):
    print(f"@step {label}\t{json.dumps(note)}", flush=True)
    input()


settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "django.contrib.postgres"],
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "USER": "bob", "HOST": os.environ["PGHOST"], "PORT": os.environ["PGPORT"], "CONN_HEALTH_CHECKS": True, "CONN_MAX_AGE": 60}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()


class Customer(models.Model):
    name = models.TextField()
    email = models.TextField(null=True)
    note = models.TextField(null=True)

    class Meta:
        db_table = "customers"
        app_label = "shop"
        managed = False


step("noise", "connect")
connection.ensure_connection()
step("split", "inspectdb")
call_command("inspectdb", "customers", "orders", "products", "customer_totals", "big", include_partitions=True, include_views=True, stdout=io.StringIO())
step("noise", "showmigrations, check")
call_command("showmigrations", stdout=io.StringIO())
call_command("check", database=["default"], stdout=io.StringIO())
step("noise", "table names and constraints")
with connection.cursor() as cursor:
    connection.introspection.table_names(cursor)
    connection.introspection.get_constraints(cursor, "orders")
    connection.introspection.get_sequences(cursor, "orders")
    connection.introspection.get_relations(cursor, "orders")
step("aside", "migrate")
call_command("migrate", verbosity=0)
step("human", "Customer.objects.all()")
list(Customer.objects.all())
step("human", "Customer.objects.create()")
Customer.objects.create(name="pg_catalog")
step("human", "filter().update() in a transaction")
with transaction.atomic():
    Customer.objects.filter(pk=3).update(note="information_schema")
step("human", "iterator()")
list(Customer.objects.iterator(chunk_size=10))
step("human", "aggregate and exists")
Customer.objects.filter(name__icontains="version()").exists()
step("human", "select_for_update, then delete")
with transaction.atomic():
    Customer.objects.select_for_update().get(pk=50).delete()
step("human", "bulk_create")
Customer.objects.bulk_create([Customer(name=f"bulk {n}") for n in range(3)])
step("human", "raw")
list(Customer.objects.raw("select * from customers where name <> 'SELECT 1'"))
step("human", "explain")
Customer.objects.filter(pk=1).explain()
step("noise", "health check of the connection")
connection.health_check_done = False
connection.close_if_health_check_failed()
step("noise", "close")
connection.close()
