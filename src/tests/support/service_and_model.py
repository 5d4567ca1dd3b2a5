"""The service and its model, with a method for each operation."""

from tests.support.model_change_lists import ModelChangeLists
from tests.support.model_changes import ModelChanges
from tests.support.model_orders import ModelOrders
from tests.support.model_queries import ModelQueries


class ServiceAndModel(ModelOrders, ModelChanges, ModelChangeLists, ModelQueries):
    """Executes each operation on the service and on its model, and compares the results."""

    def use_removed_item(self, item, changes, match):
        """Try to use and to change a vehicle or an allocation that no longer exists."""
        if "resource_registered" in self.kinds[item]:
            self.allocate(item, (1, 2), None, None, None)
            self.change_vehicle(item, {"name": "Late"}, match)
            self.decommission(item, match)
        else:
            self.change(item, changes, match)
            self.deallocate(item, match)
