"""What an operator may change, as environment variables such as TABLES_LARGEST_UPLOAD."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TABLES_")

    largest_upload: int = 10_000_000
    """Bytes of a table, at most."""
    fetch_seconds: float = 10.0
    """Time a table at a URL has to arrive."""
