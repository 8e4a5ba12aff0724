from qr.app import app
from starlette.testclient import TestClient

client = TestClient(app)


def test_code__is_a_drawing():
    answer = client.get("/code", params={"text": "hello", "scale": 2})

    assert answer.headers["content-type"] == "image/svg+xml"
    assert "<path" in answer.text


def test_code__says_what_is_missing():
    assert client.get("/code").status_code == 400
    assert client.get("/code", params={"text": "hello", "scale": "huge"}).status_code == 400
    assert client.get("/code", params={"text": "x" * 5000}).status_code == 413
