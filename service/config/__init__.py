"""What the environment tells the service, and what the service refuses to start with."""

from service.config.environments import (
    DEVELOPMENT_JWT_SECRET,
    DEVELOPMENT_SECRET,
    Config,
    DevelopmentConfig,
    ProductionConfig,
    TestingConfig,
)
from service.config.reading import (
    KEYS,
    ConfigurationError,
    Source,
    is_chosen,
    load,
    load_for_migration,
    unchecked,
)

__all__ = [
    "DEVELOPMENT_JWT_SECRET",
    "DEVELOPMENT_SECRET",
    "KEYS",
    "Config",
    "ConfigurationError",
    "DevelopmentConfig",
    "ProductionConfig",
    "Source",
    "TestingConfig",
    "is_chosen",
    "load",
    "load_for_migration",
    "unchecked",
]
