"""A create in the usual way of Django REST framework: a serializer checks whether the period is free, then inserts.

The check and the insert are two statements, so two concurrent requests can both find the period free. The table has an
index, but no constraint. ``drf_settings`` has the settings: set ``DJANGO_SETTINGS_MODULE`` to it.
"""

import uuid
from typing import Any

import django
from django.core.wsgi import get_wsgi_application
from django.db import connection, models
from django.http import HttpRequest, JsonResponse
from django.urls import path
from rest_framework import generics, serializers, status
from rest_framework.exceptions import APIException

django.setup()


class Car(models.Model):  # noqa: DJ008 - never shown
    id = models.UUIDField(primary_key=True)

    class Meta:
        app_label = "peers"


class Allocation(models.Model):  # noqa: DJ008
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    car = models.ForeignKey(Car, models.PROTECT, db_index=False)
    from_datetime = models.DateTimeField()
    to_datetime = models.DateTimeField()
    allocation_type = models.CharField(max_length=20)
    description = models.CharField(max_length=100)

    class Meta:
        app_label = "peers"
        indexes = (models.Index(fields=["car", "from_datetime"], name="allocation_start"),)


class Taken(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_detail = "The car is allocated in this period."


class AllocationSerializer(serializers.ModelSerializer):
    class Meta:
        model = Allocation
        fields = ("id", "from_datetime", "to_datetime", "allocation_type", "description")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        overlapping = Allocation.objects.filter(
            car=self.context["view"].kwargs["car_id"],
            from_datetime__lt=attrs["to_datetime"],
            to_datetime__gt=attrs["from_datetime"],
        )
        if overlapping.exists():
            raise Taken
        return attrs


class CreateAllocation(generics.CreateAPIView):
    queryset = Allocation.objects.all()
    serializer_class = AllocationSerializer

    def perform_create(self, serializer: serializers.BaseSerializer) -> None:
        serializer.save(car=generics.get_object_or_404(Car, pk=self.kwargs["car_id"]))


def healthz(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({})


urlpatterns = [
    path("healthz", healthz),
    path("api/cars/<uuid:car_id>/allocations", CreateAllocation.as_view()),
]
app = get_wsgi_application()


def create_tables() -> None:
    """Create the tables of the models."""
    with connection.schema_editor() as editor:
        editor.create_model(Car)
        editor.create_model(Allocation)


if __name__ == "__main__":
    create_tables()
