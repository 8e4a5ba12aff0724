import pytest
from falcon.testing import TestClient
from workdays.app import app

client = TestClient(app)


def test_working_days__leave_out_holidays():
    answer = client.simulate_get("/de", params={"from": "2025-12-22", "to": "2025-12-28"})

    assert answer.json["days"] == 3
    assert sorted(answer.json["holidays"]) == ["2025-12-25", "2025-12-26"]


@pytest.mark.parametrize(("country", "last", "status"), [("de", "2025-12-01", 400), ("atlantis", "2025-12-28", 404)])
def test_working_days__say_what_is_wrong(country, last, status):
    answer = client.simulate_get(f"/{country}", params={"from": "2025-12-22", "to": last})

    assert answer.status_code == status
