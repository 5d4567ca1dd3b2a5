"""The first way through: a real inventory behind a real gateway."""


def test_a_car_is_registered_through_the_gateway(calling):
    client = calling("booking", "resources:write", "resources:read")
    made = client.post("/api/cars", json={"name": "Car1"})
    assert made.status_code == 201, made.text
    assert client.get(made.headers["Location"]).json == made.json
